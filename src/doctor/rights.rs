//! What the plugin's process has given up, by its own word and by the kernel's.

use std::fs;
use std::time::Duration;

use dify_plugin_host::PluginProcess;
use tokio::time::{Instant, sleep};

/// How a plugin on this SDK begins to say what it gave up, at debug level.
const SAID: &str = "rights given up in ";
const MISSING: &str = "not offered here: ";

/// How long its log may take to come. It is written before the first heartbeat, by another pipe.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines to show.
///
/// # Errors
/// When the kernel does not know of it.
pub(super) async fn given_up(plugin: &PluginProcess) -> Result<Vec<String>, String> {
    let until = Instant::now() + PATIENCE;
    while !plugin.stderr().contains(SAID) && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", plugin.pid())).ok();
    judge(&plugin.stderr(), status.as_deref())
}

fn judge(log: &str, status: Option<&str>) -> Result<Vec<String>, String> {
    let said = |beginning: &'static str| {
        log.lines().filter_map(move |line| Some(line.get(line.find(beginning)?..)?.to_owned()))
    };
    let mut lines: Vec<String> = said(SAID).take(1).chain(said(MISSING)).collect();
    let Some(first) = lines.first() else {
        return Err("the plugin's process keeps all of its rights: it could write files and start programs".to_owned());
    };
    // Elsewhere than on Linux there is no such file, and nothing to give up.
    let Some(status) = status else { return Ok(lines) };
    let is = |name: &str, value: &str| {
        status
            .lines()
            .any(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')).map(str::trim) == Some(value))
    };
    for (layer, holds) in [
        ("no new privileges (", is("NoNewPrivs", "1")),
        ("capabilities (", is("CapEff", "0000000000000000")),
        ("system calls (", is("Seccomp", "2")),
    ] {
        if first.contains(layer) && !holds {
            return Err(format!("the plugin says {first:?}, and the kernel knows nothing of \"{layer}…)\""));
        }
    }
    lines.push("the kernel confirms it".to_owned());
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-11-22T00:39:38Z DEBUG dify_plugin::given_up: rights given up in 311 µs: no new privileges \
                       (set), system calls (writing)\n\
                       2026-11-22T00:39:38Z DEBUG dify_plugin::given_up: not offered here: Landlock: not in this kernel\n";

    #[test]
    fn what_is_said_and_what_is_missing_are_shown() {
        let lines = judge(LOG, Some("Name:\tx\nNoNewPrivs:\t1\nSeccomp:\t2\n")).unwrap();
        let said = "rights given up in 311 µs: no new privileges (set), system calls (writing)";
        assert_eq!(lines, [said, "not offered here: Landlock: not in this kernel", "the kernel confirms it"]);
        assert_eq!(judge(LOG, None).unwrap().len(), 2);
    }

    #[test]
    fn what_the_kernel_does_not_know_of_is_not_believed() {
        let failure = judge(LOG, Some("NoNewPrivs:\t1\nSeccomp:\t0\n")).unwrap_err();
        assert!(failure.ends_with("knows nothing of \"system calls (…)\""), "{failure}");
    }

    #[test]
    fn a_plugin_that_gives_up_nothing_is_told() {
        assert!(judge("no right was given up, as the plugin wishes", None).unwrap_err().contains("keeps all"));
        assert!(judge("", Some("NoNewPrivs:\t0\n")).is_err());
    }
}
