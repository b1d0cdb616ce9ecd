use std::fs;
use std::path::PathBuf;

use clap::Args;
use dify_plugin_package::{read_package, verify};

use crate::Failure;
use crate::say::say;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The package.
    file: PathBuf,
    /// The PKCS#1 key (BEGIN RSA PUBLIC KEY) that it should be signed with.
    #[arg(long)]
    key: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let named = |path: &PathBuf, error| format!("{}: {error}", path.display());
    let package = read_package(&arguments.file).map_err(|error| named(&arguments.file, error))?;
    let key = fs::read_to_string(&arguments.key).map_err(|error| named(&arguments.key, error))?;
    let time = verify(&package, &key)?;
    say!("{} is signed with this key, {time} seconds after 1970.", arguments.file.display())?;
    Ok(())
}
