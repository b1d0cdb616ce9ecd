//! What `/proc` says of a process (Linux, `proc(5)`).

use std::fs;
use std::time::Duration;

use crate::Failure;

/// Memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    /// As `rss`, with pages that others share counted in part.
    pub(crate) pss: u64,
    /// The largest `rss` since the process began or [`forget_peak`].
    pub(crate) peak: u64,
}

pub(crate) fn memory(pid: u32) -> Result<Memory, Failure> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    Ok(Memory { rss: kib(&rollup, "Rss:")?, pss: kib(&rollup, "Pss:")?, peak: kib(&status, "VmHWM:")? })
}

/// Resident bytes alone, which is cheap to ask for.
pub(crate) fn rss(pid: u32) -> Result<u64, Failure> {
    kib(&fs::read_to_string(format!("/proc/{pid}/status"))?, "VmRSS:")
}

/// Begins the peak anew.
pub(crate) fn forget_peak(pid: u32) -> Result<(), Failure> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

/// Processor time of all its threads that are still there.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(spent) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanoseconds += spent.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

pub(crate) fn threads(pid: u32) -> Result<usize, Failure> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}

fn kib(text: &str, name: &str) -> Result<u64, Failure> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or_else(|| format!("no {name} in /proc"))?;
    let number = line.trim().trim_end_matches("kB").trim();
    Ok(number.parse::<u64>()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_spends_time() {
        let pid = std::process::id();
        let memory = memory(pid).unwrap();
        assert!(memory.rss > 0 && memory.pss <= memory.rss && memory.peak >= memory.rss / 2);
        assert!(rss(pid).unwrap() > 0 && threads(pid).unwrap() > 0);
        assert!(cpu(pid).unwrap() > Duration::ZERO);
    }
}
