//! `oxidify invoke`: one call of one plugin, against servers of the user's own.

mod answer;
mod comfyui;
mod tencent_cos_storage;

use clap::Subcommand;

use crate::Failure;

/// Which plugin.
#[derive(Debug, Subcommand)]
pub(crate) enum Invocation {
    /// The ComfyUI plugin.
    Comfyui(comfyui::Arguments),
    /// The Tencent COS plugin.
    #[command(name = "tencent_cos_storage")]
    TencentCosStorage(tencent_cos_storage::Arguments),
}

pub(crate) async fn run(invocation: Invocation) -> Result<(), Failure> {
    match invocation {
        Invocation::Comfyui(arguments) => comfyui::run(arguments).await,
        Invocation::TencentCosStorage(arguments) => tencent_cos_storage::run(arguments).await,
    }
}
