//! The plugins beside the official Python ones, in one run on one machine. `docs/benchmarks.md` says what each figure is.

#![expect(clippy::print_stdout, reason = "what a command has to say")]

mod bench;
mod comfyui_server;
mod cos_server;
mod emulator;
mod executables;
mod figure;
mod figures;
mod files_of_dify;
mod http;
mod json;
mod lines;
mod machine;
mod output;
mod packages;
mod peers;
mod plot;
mod process;
mod request;
mod running;
mod series;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::bench::Bench;
use crate::figure::Report;

/// What a command ends with when it fails: words for the user.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the plugins beside Python plugins that do the same on the official SDK.
#[derive(Debug, Parser)]
#[command(name = "oxidify-bench", version)]
struct Arguments {
    /// Small files and few rounds: less than a minute, to see that everything works.
    #[arg(long)]
    quick: bool,
    /// Only the groups of this name: start, memory, calls, blobs, in-flight, comfyui, cos, size, limits, scaling. May be
    /// given more than once.
    #[arg(long)]
    only: Vec<String>,
    /// Do not look for Python: our side alone.
    #[arg(long)]
    no_peers: bool,
    /// Do not build: take the executables in this folder.
    #[arg(long)]
    executables: Option<PathBuf>,
    /// Write all figures here, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a picture of them here, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("oxidify-bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let groups = figures::chosen(&arguments.only)?;
    let bench = Bench::prepare(arguments.quick, !arguments.no_peers, arguments.executables.as_deref())?;
    let machine = machine::describe();
    println!("{machine}");
    let mut report = Report::default();
    let mut failed = 0;
    for group in groups {
        eprintln!("measuring {} …", group.name);
        if let Err(failure) = (group.measure)(&bench, &mut report) {
            failed += 1;
            eprintln!("{}: {failure}", group.name);
        }
    }
    println!("{}", table::of(&report));
    if let Some(file) = &arguments.json {
        fs::write(file, json::of(&report, &machine, arguments.quick))?;
    }
    if let Some(file) = &arguments.plot {
        fs::write(file, plot::of(&report, &machine))?;
    }
    if failed > 0 { Err(format!("{failed} groups could not be measured").into()) } else { Ok(()) }
}
