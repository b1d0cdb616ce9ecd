//! `oxidify package`: packages that a Dify administrator installs.

mod agreement;
mod build;
mod declaration;
mod verify;

use clap::Subcommand;

use crate::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Packaging {
    /// Build the ComfyUI plugin's package.
    Comfyui(build::Arguments),
    /// Build the Tencent COS plugin's package.
    #[command(name = "tencent_cos_storage")]
    TencentCosStorage(build::Arguments),
    /// Check the signature of a package.
    Verify(verify::Arguments),
}

pub(crate) fn run(packaging: &Packaging) -> Result<(), Failure> {
    match packaging {
        Packaging::Comfyui(arguments) => build::run(&declaration::comfyui(), arguments),
        Packaging::TencentCosStorage(arguments) => build::run(&declaration::tencent_cos_storage(), arguments),
        Packaging::Verify(arguments) => verify::run(arguments),
    }
}
