//! `oxidify emulate`: an emulator alone.

mod comfyui;
mod cos;

use clap::Subcommand;

use crate::Failure;

/// Which one.
#[derive(Debug, Subcommand)]
pub(crate) enum Emulator {
    /// A ComfyUI server that runs image nodes on the CPU.
    Comfyui(comfyui::Arguments),
    /// A COS server over a folder.
    Cos(cos::Arguments),
}

pub(crate) async fn run(emulator: Emulator) -> Result<(), Failure> {
    match emulator {
        Emulator::Comfyui(arguments) => comfyui::run(arguments).await,
        Emulator::Cos(arguments) => cos::run(arguments).await,
    }
}
