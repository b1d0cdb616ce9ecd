//! `oxidify demo`: both plugins do their work on the embedded emulators.

mod comfyui;
mod cos;
mod photo;
mod progress;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use dify_plugin_host::PluginProcess;

use crate::Failure;
use crate::say::say;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where pictures and files are saved.
    #[arg(long, default_value = "oxidify-demo")]
    out: PathBuf,
}

pub(crate) async fn run(Arguments { out }: Arguments) -> Result<(), Failure> {
    comfyui::run(&out.join("comfyui")).await?;
    say!("")?;
    cos::run(&out.join("cos")).await?;
    say!("\nEverything was as it should be. The files are in {}.", out.display())?;
    Ok(())
}

/// What a plugin took to start, and what it takes while idle.
fn report_start(plugin: &PluginProcess) -> Result<(), Failure> {
    let ready = plugin.heartbeats().times.first().copied().unwrap_or_default();
    say!("  plugin ready after {}{}", milliseconds(ready), memory(plugin.rss_bytes()))
}

/// The most memory that a plugin took.
fn report_peak(plugin: &PluginProcess) -> Result<(), Failure> {
    say!("  plugin at its peak{}", memory(plugin.peak_rss_bytes()))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Nothing where the system does not tell.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn memory(bytes: Option<u64>) -> String {
    bytes.map(|bytes| format!(", {:.1} MB of memory", bytes as f64 / 1e6)).unwrap_or_default()
}
