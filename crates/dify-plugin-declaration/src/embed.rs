//! A plugin's declaration made a part of its executable, by its build script.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Registration;

/// Folders beside the manifest that hold declarations or what they name.
const FOLDERS: [&str; 4] = ["_assets", "datasources", "provider", "tools"];

/// The whole of a plugin's build script: makes the JSON that Dify's debugging server expects of the YAML files and the
/// assets in the crate's folder, and puts it where `dify_plugin::declaration!()` finds it.
///
/// # Errors
/// When a file cannot be read or is not what it should be; the text names it.
pub fn embed() -> Result<(), Box<dyn Error>> {
    embed_folder(".", "dify_plugin_declaration")
}

/// The same for the files in `folder`, relative to the crate's own, under a name for `dify_plugin::declaration!(name)`:
/// for an executable that can be one of several plugins.
///
/// # Errors
/// As for [`embed`].
pub fn embed_folder(folder: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(folder);
    let mut files = BTreeMap::new();
    read(&folder, "manifest.yaml", &mut files)?;
    for folder_name in FOLDERS {
        if folder.join(folder_name).is_dir() {
            read(&folder, folder_name, &mut files)?;
        }
    }
    let registration = Registration::of(&files).map_err(|error| format!("{}: {error}", folder.display()))?;
    let target = PathBuf::from(variable("OUT_DIR")?).join(format!("{name}.rs"));
    fs::write(&target, source(&registration))?;
    Ok(())
}

/// A Rust expression.
fn source(registration: &Registration) -> String {
    let Registration { name, version, .. } = registration;
    format!("::dify_plugin::Declaration::new({name:?}, {version:?}, {:?})", registration.text())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: this runs in a build script"))
}

/// Reads a file, or all files in a folder, and has cargo watch them.
#[expect(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn read(root: &Path, path: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let whole = root.join(path);
    println!("cargo::rerun-if-changed={}", whole.display());
    if !whole.is_dir() {
        let bytes = fs::read(&whole).map_err(|error| format!("{}: {error}", whole.display()))?;
        files.insert(path.to_owned(), bytes);
        return Ok(());
    }
    for entry in fs::read_dir(&whole)? {
        let name = entry?.file_name().into_string().map_err(|name| format!("{}: not UTF-8", name.display()))?;
        if !name.starts_with('.') {
            read(root, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}
