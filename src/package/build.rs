use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use dify_plugin_package::{Arch, OLDEST_GLIBC, Package, read_archive, sign};

use super::agreement::disagreements;
use super::declaration::Declaration;
use crate::Failure;
use crate::say::say;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where the package is written.
    #[arg(long, default_value = "dist")]
    out: PathBuf,
    /// The executable for an architecture, as amd64=PATH or arm64=PATH. May be given twice. Without it, the executable
    /// beside this command for this machine.
    #[arg(long, value_parser = binary)]
    binary: Vec<(Arch, PathBuf)>,
    /// Refuse executables that need more of a system than glibc 2.28, as a release's must not.
    #[arg(long)]
    portable: bool,
    /// Sign with this PKCS#1 key (BEGIN RSA PRIVATE KEY).
    #[arg(long)]
    sign: Option<PathBuf>,
}

fn binary(argument: &str) -> Result<(Arch, PathBuf), String> {
    match argument.split_once('=') {
        Some(("amd64", path)) => Ok((Arch::Amd64, path.into())),
        Some(("arm64", path)) => Ok((Arch::Arm64, path.into())),
        _ => Err("say amd64=PATH or arm64=PATH".to_owned()),
    }
}

pub(super) fn run(declaration: &Declaration, arguments: &Arguments) -> Result<(), Failure> {
    let files = declaration.files.iter().map(|(path, bytes)| (path.as_str(), *bytes));
    let mut package = Package::new(declaration.name, declaration.version, files);
    let mut binaries = arguments.binary.clone();
    if binaries.is_empty() {
        binaries.push(beside_this_command(declaration.executable)?);
    }
    for (arch, path) in &binaries {
        package = package.executable(*arch, read(path)?);
    }
    let mut faults: Vec<String> = package.check().iter().map(ToString::to_string).collect();
    faults.extend(disagreements(declaration)?);
    if !faults.is_empty() {
        let faults: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
        return Err(format!("the package would not be good:{faults}").into());
    }
    let needs = package.needs()?;
    if let Some((arch, needs)) = needs.iter().find(|(_, needs)| arguments.portable && !needs.is_portable()) {
        let arch = arch.name();
        return Err(format!("the executable for {arch} needs {needs}, more than glibc {OLDEST_GLIBC} alone").into());
    }
    let mut bytes = package.build()?;
    if let Some(key) = &arguments.sign {
        let key = String::from_utf8(read(key)?)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        bytes = sign(&bytes, &key, i64::try_from(now)?)?;
    }
    fs::create_dir_all(&arguments.out)?;
    let file = arguments.out.join(format!("{}-{}.difypkg", declaration.name, declaration.version));
    fs::write(&file, &bytes)?;
    let count = read_archive(&bytes)?.files.len();
    say!("{}: {} bytes, {count} files", file.display(), bytes.len())?;
    for (arch, needs) in &needs {
        say!("  for {}, needs {needs}", arch.name())?;
    }
    Ok(())
}

fn beside_this_command(name: &str) -> Result<(Arch, PathBuf), Failure> {
    let arch = Arch::of_this_machine().ok_or("Dify does not run on machines like this one: name a --binary")?;
    let path = env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        let path = path.display();
        return Err(format!("{path} is not there: build it with --workspace, or name another with --binary").into());
    }
    Ok((arch, path))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}
