//! From the start of the process to its first heartbeat, and the processor time that takes.

use std::process::{Command, Stdio};
use std::time::Instant;

use super::ms;
use crate::Failure;
use crate::bench::{Bench, Plugin, Side, as_the_daemon};
use crate::figure::{Better, Figure, Report, median};
use crate::packages::Installed;
use crate::process;

/// Starts of ours for one of the peer's, which takes hundreds of times as long.
const STARTS: usize = 9;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    for plugin in [Plugin::ComfyUi, Plugin::Cos] {
        measure_plugin(bench, plugin, report)?;
    }
    Ok(())
}

fn measure_plugin(bench: &Bench, plugin: Plugin, report: &mut Report) -> Result<(), Failure> {
    let name = plugin.name();
    let mut bare = Figure::new(format!("{name}: start to heartbeat"), "ms", Better::Lower).held_to(4.0);
    bare = bare.times_better(300.0);
    let mut cpu = Figure::new(format!("{name}: processor time at the start"), "ms", Better::Lower);
    let mut daemon = Figure::new(format!("{name}: start as the daemon starts it"), "ms", Better::Lower).held_to(40.0);
    let installed = bench.peers.as_ref().map(|_| Installed::new(bench, plugin)).transpose()?;
    let (mut floor, mut python) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds(7) {
        let (time, spent) = starts(bench, || bench.command(Side::Ours, plugin))?;
        bare.ours.push(time);
        cpu.ours.push(spent);
        let program = || Ok(with_argument(Command::new(bench.executables.path("bench-floor")), "line"));
        floor.push(starts(bench, program)?.0);
        let (Some(peers), Some(installed)) = (&bench.peers, &installed) else { continue };
        let (time, spent) = start(bench, Side::Peer, bench.command(Side::Peer, plugin)?)?;
        bare.peer.push(time);
        cpu.peer.push(spent);
        daemon.ours.push(starts(bench, || Ok(as_the_daemon(installed.command(&peers.python)?)))?.0);
        daemon.peer.push(time);
        python.push(run_nothing(installed.command(&peers.python)?)?);
    }
    bare.beside = Some(("tokio, one line", floor));
    daemon.beside = Some(("python -c pass", python));
    report.figures.extend([bare, cpu]);
    if !daemon.ours.is_empty() {
        report.figures.push(daemon);
    }
    Ok(())
}

/// The median of several starts: milliseconds to the heartbeat, and of processor time.
fn starts(bench: &Bench, command: impl Fn() -> Result<Command, Failure>) -> Result<(f64, f64), Failure> {
    let times: Vec<_> = (0..STARTS).map(|_| start(bench, Side::Ours, command()?)).collect::<Result<_, _>>()?;
    let middle = |of: fn(&(f64, f64)) -> f64| median(&times.iter().map(of).collect::<Vec<_>>()).unwrap_or_default();
    Ok((middle(|time| time.0), middle(|time| time.1)))
}

fn start(bench: &Bench, side: Side, command: Command) -> Result<(f64, f64), Failure> {
    let running = bench.start_by(side, command)?;
    let cpu = process::cpu(running.pid())?;
    let time = running.started_in;
    running.stop()?;
    Ok((ms(time), ms(cpu)))
}

fn with_argument(mut command: Command, argument: &str) -> Command {
    command.arg(argument);
    command
}

/// How long the interpreter takes that the daemon puts in front of every plugin.
fn run_nothing(command: Command) -> Result<f64, Failure> {
    let mut python = as_the_daemon(Command::new(command.get_program()));
    python.args(["-c", "pass"]).stdin(Stdio::null());
    let from = Instant::now();
    if python.status()?.success() { Ok(ms(from.elapsed())) } else { Err("Python failed".into()) }
}
