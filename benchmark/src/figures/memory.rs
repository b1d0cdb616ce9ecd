//! What a plugin holds that has nothing to do.

use std::thread;
use std::time::Duration;

use super::mb;
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::figure::{Better, Figure, Report};
use crate::process;

/// Long enough for what a start leaves to be done.
const SETTLED: Duration = Duration::from_millis(300);

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    for plugin in [Plugin::ComfyUi, Plugin::Cos] {
        let name = plugin.name();
        let mut rss = Figure::new(format!("{name}: idle RSS"), "MB", Better::Lower).held_to(4.0).times_better(18.0);
        let mut pss = Figure::new(format!("{name}: idle PSS"), "MB", Better::Lower);
        let mut threads = Figure::new(format!("{name}: idle threads"), "", Better::Lower);
        for _ in 0..bench.rounds(3) {
            for side in bench.sides() {
                let plugin = bench.start(*side, plugin)?;
                thread::sleep(SETTLED);
                let memory = process::memory(plugin.pid())?;
                let of_side = |figure: &mut Figure, value| match side {
                    Side::Ours => figure.ours.push(value),
                    Side::Peer => figure.peer.push(value),
                };
                of_side(&mut rss, mb(memory.rss));
                of_side(&mut pss, mb(memory.pss));
                of_side(&mut threads, process::threads(plugin.pid())? as f64);
                plugin.stop()?;
            }
        }
        report.figures.extend([rss, pss, threads]);
    }
    Ok(())
}
