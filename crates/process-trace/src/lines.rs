//! The lines that `strace -f` writes.

use std::collections::HashMap;

/// A call that has returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: String,
    pub(crate) succeeded: bool,
}

/// The calls in `log`, those that were interrupted by another thread's put together.
pub(crate) fn calls(log: &str) -> Vec<Call> {
    let mut unfinished: HashMap<&str, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((pid, line)) = line.trim_start().split_once(' ') else { continue };
        let line = line.trim_start();
        if let Some(beginning) = line.strip_suffix("<unfinished ...>") {
            unfinished.insert(pid, beginning.trim_end().to_owned());
        } else if let Some(rest) = line.strip_prefix("<... ") {
            let end = rest.split_once(" resumed>").map(|(_, end)| end);
            calls.extend(unfinished.remove(pid).zip(end).and_then(|(begun, end)| call(&format!("{begun}{end}"))));
        } else {
            calls.extend(call(line));
        }
    }
    // What never returned, such as a call in which the process was killed, was asked for all the same.
    calls.extend(unfinished.into_values().filter_map(|begun| call(&format!("{begun}) = 0"))));
    calls
}

fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call { name: name.to_owned(), arguments: arguments.to_owned(), succeeded: !result.starts_with('-') })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_were_interrupted_are_put_together() {
        let log = "12 openat(AT_FDCWD, \"/a\", O_RDONLY <unfinished ...>\n\
                   13 connect(9, {sa_family=AF_UNSPEC}, 16) = 0\n\
                   12 <... openat resumed>)            = 5\n\
                   12 --- SIGCHLD {si_signo=SIGCHLD} ---\n\
                   13 unlink(\"/b\" <unfinished ...>\n\
                   13 +++ killed by SIGKILL +++\n";
        let calls: Vec<_> = calls(log).into_iter().map(|call| (call.name, call.arguments, call.succeeded)).collect();
        let expected = [
            ("connect", "9, {sa_family=AF_UNSPEC}, 16"),
            ("openat", "AT_FDCWD, \"/a\", O_RDONLY"),
            ("unlink", "\"/b\""),
        ];
        assert_eq!(calls, expected.map(|(name, arguments)| (name.to_owned(), arguments.to_owned(), true)));
    }
}
