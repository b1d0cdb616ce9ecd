//! What is measured, built as a release builds it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// What is measured itself.
const MEASURED: [&str; 6] = ["-p", "oxidify-comfyui", "-p", "oxidify-tencent-cos", "-p", env!("CARGO_PKG_NAME")];

/// The folders with the executables; the first that has one counts.
#[derive(Debug)]
pub(crate) struct Executables {
    folders: Vec<PathBuf>,
}

impl Executables {
    /// Those that are in `folder`.
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folders: vec![folder.to_owned()] }
    }

    /// Builds them: what is measured as a release has it, static, where the tools for that can be had. The plugins are
    /// built by themselves: with others, cargo would give their dependencies features that they do not need.
    pub(crate) fn build() -> Result<Self, Failure> {
        let target = target_folder()?;
        cargo("build", &["-p", "oxidify", "--bin", "oxidify"], None)?;
        cargo("build", &["-p", env!("CARGO_PKG_NAME"), "--bin", "bench-floor"], None)?;
        let plugins = &MEASURED[..4];
        let own = [&MEASURED[4..], &["--bin", "bench-plugin"]].concat();
        let mut folders = vec![target.join("release")];
        if let Some(tools) = release_tools(&target) {
            let triple = format!("{}-unknown-linux-musl", env::consts::ARCH);
            for packages in [&[plugins, &["--bins"]].concat(), &own] {
                cargo("zigbuild", &[packages, ["--target", &triple].as_slice()].concat(), Some(&tools))?;
            }
            folders.insert(0, target.join(triple).join("release"));
        } else {
            eprintln!(
                "nothing here builds static executables: these are not as a release has them, and larger in memory"
            );
            cargo("build", &[plugins, &["--bins"]].concat(), None)?;
            cargo("build", &own, None)?;
        }
        Ok(Self { folders })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let mut paths = self.folders.iter().map(|folder| folder.join(name));
        paths.clone().find(|path| path.is_file()).or_else(|| paths.next_back()).unwrap_or_default()
    }
}

/// The folder with the tools that releases are built with, fetched when they are not there.
fn release_tools(target: &Path) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../release/build-executables");
    let status = Command::new(script).arg("--tools").env("CARGO_TARGET_DIR", target).status();
    status.is_ok_and(|status| status.success()).then(|| target.join("release-tools/bin"))
}

/// Where cargo builds: the executable of this process is in a folder of it, one for each profile.
pub(crate) fn target_folder() -> Result<PathBuf, Failure> {
    let here = env::current_exe()?;
    Ok(here.parent().and_then(Path::parent).ok_or("this executable is in no target folder")?.to_owned())
}

/// Runs cargo; with `tools`, they come before all others.
fn cargo(subcommand: &str, arguments: &[&str], tools: Option<&Path>) -> Result<(), Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = target_folder()?;
    let mut command = Command::new(cargo);
    command.args([subcommand, "--release", "--quiet"]).args(arguments);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", &target);
    if let Some(tools) = tools {
        let paths = env::var_os("PATH").unwrap_or_default();
        command.env("PATH", env::join_paths([tools.to_owned()].into_iter().chain(env::split_paths(&paths)))?);
        // Beside the rest of what is built, and not below a home that there may not be.
        let caches = [("ZIG_GLOBAL_CACHE_DIR", "zig-cache"), ("CARGO_ZIGBUILD_CACHE_DIR", "zigbuild-cache")];
        command.envs(caches.map(|(name, folder)| (name, target.join(folder))));
    }
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo {subcommand} {} failed", arguments.join(" ")).into()) }
}
