//! The machine that the figures are of.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What stands above a table.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_mb: u64,
    kernel: String,
    /// Seconds since 1970.
    at: u64,
    /// Processes that wanted to run when the run began, over the last minute.
    load: String,
}

pub(crate) fn describe() -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let memory = rustix::system::sysinfo();
    let name = rustix::system::uname();
    // Behind the first dash is what a distribution or a provider calls its build.
    let release = name.release().to_string_lossy();
    let release = release.split('-').next().unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Machine {
        processor: processor.trim_start_matches([' ', '\t', ':']).to_owned(),
        cores: thread::available_parallelism().map_or(0, usize::from),
        memory_mb: memory.totalram as u64 * u64::from(memory.mem_unit) / 1_000_000,
        kernel: format!("{} {}", name.sysname().to_string_lossy(), release),
        at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        load: load.split(' ').next().unwrap_or_default().to_owned(),
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory_mb, kernel, load, .. } = self;
        write!(f, "{processor}, {cores} cores, {memory_mb} MB, {kernel}, load {load} at the start")
    }
}
