//! Packages to install, and keys to sign them with.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dify_plugin_package::{Arch, Package, read_archive, sign};
use tempfile::TempDir;

pub(crate) struct Built {
    name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Keys of somebody who publishes plugins.
pub(crate) struct Keys(TempDir);

/// A plugin's executable, beside the command's.
pub(crate) fn executable(plugin: &str) -> PathBuf {
    let name = if plugin == "comfyui" { "oxidify-comfyui" } else { "oxidify-tencent-cos" };
    let path = Path::new(env!("CARGO_BIN_EXE_oxidify")).with_file_name(name);
    assert!(path.is_file(), "{} is not built: cargo build --workspace --bins", path.display());
    path
}

/// A package as `oxidify package` makes it.
pub(crate) fn built(plugin: &str) -> Built {
    executable(plugin);
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    let output = command.args(["package", plugin, "--out"]).arg(out.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = out.path().join(format!("{plugin}-{}.difypkg", env!("CARGO_PKG_VERSION")));
    Built { name: plugin.to_owned(), bytes: fs::read(file).unwrap() }
}

impl Built {
    pub(crate) fn read(path: &OsStr) -> Self {
        Self { name: String::new(), bytes: fs::read(path).unwrap() }
    }

    /// The same plugin under another version.
    pub(crate) fn with_version(&self, version: &str) -> Self {
        let files = read_archive(&self.bytes).unwrap().files;
        let arch = Arch::of_this_machine().unwrap();
        let (mut executable, mut declaration) = (Vec::new(), Vec::new());
        for (path, bytes) in files {
            if path.starts_with("bin/") {
                executable = bytes;
            } else if path == "manifest.yaml" {
                let manifest = String::from_utf8(bytes).unwrap();
                let old = format!("version: {}", env!("CARGO_PKG_VERSION"));
                assert!(manifest.contains(&old), "{manifest}");
                declaration.push((path, manifest.replacen(&old, &format!("version: {version}"), 1).into_bytes()));
            } else {
                declaration.push((path, bytes));
            }
        }
        let declaration = declaration.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
        let package = Package::new(&self.name, version, declaration).executable(arch, executable);
        Self { name: self.name.clone(), bytes: package.build().unwrap() }
    }

    pub(crate) fn signed_with(&self, keys: &Keys) -> Self {
        let key = fs::read_to_string(keys.0.path().join("private.pem")).unwrap();
        Self { name: self.name.clone(), bytes: sign(&self.bytes, &key, 1_770_000_000).unwrap() }
    }
}

impl Keys {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl").args(arguments).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        openssl(&["genrsa", "-traditional", "-out", "private.pem", "4096"]);
        openssl(&["rsa", "-in", "private.pem", "-RSAPublicKey_out", "-out", "public.pem"]);
        Self(folder)
    }

    pub(crate) fn public(&self) -> PathBuf {
        self.0.path().join("public.pem")
    }
}
