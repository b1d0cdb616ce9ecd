use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Asked;
use crate::lines::calls;

/// How long the end of the process is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The calls that are recorded; not every architecture has all of them.
const LOOKED_AT: [&str; 31] = [
    "connect",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "listen",
    "execve",
    "execveat",
    "open",
    "openat",
    "openat2",
    "creat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "unlink",
    "unlinkat",
    "rmdir",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "chmod",
    "fchmodat",
    "chown",
    "fchownat",
    "utimensat",
];

/// A recording of one process and its threads.
#[derive(Debug)]
pub struct Trace {
    folder: TempDir,
}

impl Trace {
    /// A recording, if this machine can make one; says so where it cannot.
    ///
    /// # Panics
    /// Where it cannot, in CI.
    #[must_use]
    pub fn begin() -> Option<Self> {
        // As the superuser of a name space of its own, where it is none already: memory of a process that is not
        // dumpable is shown to no other.
        let works = tracer().args(["-o", "/dev/null", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !works.is_ok_and(|status| status.success()) {
            assert!(env::var_os("CI").is_none(), "strace is missing, or may not trace");
            eprintln!("skipped: strace is missing, or may not trace");
            return None;
        }
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for the trace: {error}"));
        Some(Self { folder })
    }

    /// Makes `command` one that is recorded. To be called once, after its arguments and environment are set.
    pub fn wrap(&self, command: &mut Command) {
        let mut traced = tracer();
        // The tracer is a grandchild, so that the child that is started is the process itself. Only what is looked at
        // stops it.
        traced.args(["-D", "-f", "--seccomp-bpf", "-s", "256", "-e", "signal=none"]);
        traced.arg("-e").arg(format!("trace={}", LOOKED_AT.map(|call| format!("?{call}")).join(",")));
        traced.arg("-o").arg(self.log()).arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => traced.env(name, value),
                None => traced.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            traced.current_dir(folder);
        }
        *command = traced;
    }

    /// What the process asked for, once it has ended by itself.
    ///
    /// # Panics
    /// When it does not end, or the recording shows less than it should.
    #[must_use]
    pub fn finish(self) -> Asked {
        let until = Instant::now() + PATIENCE;
        let log = loop {
            let log = String::from_utf8_lossy(&fs::read(self.log()).unwrap_or_default()).into_owned();
            let main = log.split_whitespace().next().unwrap_or_default();
            let ended = |line: &str| line.starts_with(main) && line.contains(" +++ ");
            if !main.is_empty() && log.lines().any(ended) {
                break log;
            }
            assert!(Instant::now() < until, "the traced process has not ended by itself: {:?}", log.lines().last());
            sleep(Duration::from_millis(10));
        };
        let asked = Asked::of(calls(&log));
        assert!(!asked.programs.is_empty(), "the start of the process is not in its trace: {:?}", log.lines().next());
        // An address in memory, where the text should be.
        assert!(!log.contains("connect(") || log.contains("sa_family="), "the trace shows no addresses");
        asked
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("trace")
    }
}

fn tracer() -> Command {
    // Capabilities tell it, and not the user: in a container the superuser may lack this one.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let capabilities = capabilities.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or_default();
    // CAP_SYS_PTRACE.
    if capabilities & (1 << 19) != 0 {
        Command::new("strace")
    } else {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--", "strace"]);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_to_write_and_to_connect() {
        let Some(trace) = Trace::begin() else { return };
        let file = trace.folder.path().join("written");
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("echo x > {}; exec 3<>/dev/tcp/127.0.0.1/1", file.display()));
        command.stderr(Stdio::null()).env("TEST", "1");
        trace.wrap(&mut command);
        command.stderr(Stdio::null());
        let _ = command.status().unwrap();
        let asked = trace.finish();
        assert!(asked.changes.iter().any(|change| change.contains("/written")), "{asked:?}");
        // Where HOME is not set the shell looks it up, and glibc asks a socket of this machine for it.
        let beyond: Vec<_> = asked.peers.iter().filter(|peer| !matches!(peer, crate::Peer::Local(_))).collect();
        assert_eq!(beyond, [&crate::Peer::Internet("127.0.0.1".to_owned(), 1)]);
    }
}
