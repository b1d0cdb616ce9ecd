//! Our packages, unpacked as Dify's daemon unpacks them.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use dify_plugin_package::read_archive;

use crate::Failure;
use crate::bench::{Bench, Plugin};
use crate::peers::folder_bytes;

/// A package that is installed.
#[derive(Debug)]
pub(crate) struct Installed {
    folder: PathBuf,
    /// Bytes of the package file.
    pub(crate) package_bytes: u64,
    /// Bytes of what was in it.
    pub(crate) unpacked_bytes: u64,
}

impl Installed {
    /// Builds the package of a plugin with the executable for this machine, and unpacks it.
    pub(crate) fn new(bench: &Bench, plugin: Plugin) -> Result<Self, Failure> {
        let out = bench.folder().join("packages");
        let folder = bench.folder().join("installed").join(plugin.name());
        let architecture = match env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => return Err(format!("there are no packages for {other}").into()),
        };
        let mut binary = OsString::from(format!("{architecture}="));
        binary.push(bench.executables.path(plugin.executable()));
        let mut command = Command::new(bench.executables.path("oxidify"));
        command.args(["package", plugin.name(), "--out"]).arg(&out).arg("--binary").arg(binary).stdout(Stdio::null());
        if !command.status()?.success() {
            return Err(format!("{} could not be packaged", plugin.name()).into());
        }
        let package = fs::read(out.join(format!("{}-{}.difypkg", plugin.name(), env!("CARGO_PKG_VERSION"))))?;
        for (path, bytes) in read_archive(&package)?.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().ok_or("a file of the package is nowhere")?)?;
            fs::write(&path, bytes)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        }
        let unpacked_bytes = folder_bytes(&folder)?;
        Ok(Self { folder, package_bytes: package.len() as u64, unpacked_bytes })
    }

    /// How the daemon starts it: by the Python of an environment in its folder, made here if it is not there.
    pub(crate) fn command(&self, python: &Path) -> Result<Command, Failure> {
        let environment = self.folder.join(".venv");
        if !environment.exists() {
            let mut command = Command::new(python);
            command.args(["-m", "venv", "--without-pip"]).arg(&environment);
            if !command.status()?.success() {
                return Err("no environment could be made".into());
            }
        }
        let mut command = Command::new(environment.join("bin/python"));
        command.args(["-m", "main"]).current_dir(&self.folder);
        Ok(command)
    }
}
