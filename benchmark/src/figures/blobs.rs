//! Files out of a tool.

use std::time::Instant;

use serde_json::json;

use super::mb;
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::figure::{Better, Figure, Report};
use crate::process;
use crate::request;
use crate::running::Running;

/// Megabytes of the file, and calls that are made one after the other.
const FILES: [(u64, u32); 3] = [(1, 40), (25, 8), (300, 1)];

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let files = if bench.quick { &FILES[..2] } else { &FILES[..] };
    for (megabytes, calls) in files {
        let mut speed = Figure::new(format!("{megabytes} MB file out"), "MB/s", Better::Higher);
        speed = speed.held_to(700.0).times_better(10.0);
        let mut growth =
            Figure::new(format!("{megabytes} MB file out: growth of memory"), "MB", Better::Lower).held_to(4.0);
        for _ in 0..bench.rounds(5) {
            for side in bench.sides() {
                let (fast, grown) = send(bench, *side, megabytes * 1_000_000, *calls)?;
                match side {
                    Side::Ours => (speed.ours.push(fast), growth.ours.push(grown)),
                    Side::Peer => (speed.peer.push(fast), growth.peer.push(grown)),
                };
            }
        }
        report.figures.extend([speed, growth]);
    }
    Ok(())
}

/// Megabytes of the file in a second, and megabytes by which memory grew, in a process that has sent a small file before.
pub(crate) fn send(bench: &Bench, side: Side, size: u64, calls: u32) -> Result<(f64, f64), Failure> {
    let mut plugin = bench.start(side, Plugin::Bench)?;
    one(&mut plugin, 20_000)?;
    let before = process::rss(plugin.pid())?;
    process::forget_peak(plugin.pid())?;
    let from = Instant::now();
    for _ in 0..calls {
        one(&mut plugin, size)?;
    }
    let seconds = from.elapsed().as_secs_f64();
    let peak = process::memory(plugin.pid())?.peak;
    plugin.stop()?;
    Ok((mb(size * u64::from(calls)) / seconds, mb(peak.saturating_sub(before))))
}

fn one(plugin: &mut Running, size: u64) -> Result<(), Failure> {
    let request = request::tool("file", "bench", "blob", &json!({}), &json!({"size": size}));
    let answer = plugin.call(&request)?;
    let bytes = answer.file_bytes;
    if bytes == size { Ok(()) } else { Err(format!("{bytes} bytes came of a file of {size}").into()) }
}
