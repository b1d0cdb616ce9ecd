//! What a process holds.

/// A size out of `/proc/<pid>/status`, in bytes.
pub(crate) fn status_bytes(pid: u32, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_holds_memory() {
        let resident = status_bytes(std::process::id(), "VmRSS").unwrap();
        assert!((100_000..status_bytes(std::process::id(), "VmHWM").unwrap() + 1).contains(&resident));
        assert_eq!(status_bytes(u32::MAX, "VmRSS"), None);
    }
}
