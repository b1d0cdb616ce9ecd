//! What is measured, built as a release builds it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The folder with all executables.
#[derive(Debug)]
pub(crate) struct Executables {
    folder: PathBuf,
}

impl Executables {
    /// Those that are in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Builds them beside this one. The plugins are built by themselves, as for a release: with others, cargo would give
    /// their dependencies features that they do not need.
    pub(crate) fn build() -> Result<Self, Failure> {
        cargo(&["-p", "oxidify-comfyui", "-p", "oxidify-tencent-cos", "--bins"])?;
        cargo(&["-p", "oxidify", "--bin", "oxidify"])?;
        cargo(&["-p", env!("CARGO_PKG_NAME"), "--bin", "bench-plugin", "--bin", "bench-floor"])?;
        Ok(Self { folder: target_folder()?.join("release") })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Where cargo builds: the executable of this process is in a folder of it, one for each profile.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    let here = env::current_exe()?;
    Ok(here.parent().and_then(Path::parent).ok_or("this executable is in no target folder")?.to_owned())
}

fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--quiet"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target_folder()?);
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo build {} failed", arguments.join(" ")).into()) }
}
