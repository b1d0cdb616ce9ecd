//! `oxidify doctor`: does a package start where Dify's daemon unpacks it?

mod rights;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;
use dify_plugin_declaration::{Manifest, parse_datasource_provider, parse_manifest, parse_tool_provider};
use dify_plugin_host::{CallFailure, DifyHost, PluginProcess};
use dify_plugin_package::{Archive, checksum, read_archive, read_package, unique_identifier};
use dify_plugin_protocol::ValidateCredentials;
use serde_json::Map;

use crate::Failure;
use crate::say::say;
use crate::shown::shown;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The package.
    file: PathBuf,
    /// The Python with which the daemon would start it.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// Something that can be asked to check credentials.
enum Provider {
    Tool(String),
    Datasource(String),
}

pub(crate) async fn run(Arguments { file, python }: Arguments) -> Result<(), Failure> {
    let bytes = read_package(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let archive = read_archive(&bytes)?;
    let manifest =
        parse_manifest(text(&archive, "manifest.yaml")?).map_err(|error| format!("manifest.yaml: {error}"))?;
    let checksum = checksum(archive.files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
    say!("{}", shown(&unique_identifier(&manifest.author, &manifest.name, &manifest.version, &checksum)))?;
    say!("  {} bytes, {} files", bytes.len(), archive.files.len())?;

    let folder = tempfile::tempdir()?;
    unpack(&archive, folder.path())?;
    let mut launch = Command::new(python);
    launch.args(["-m", &manifest.meta.runner.entrypoint]).current_dir(folder.path());
    // Where it says which rights it gave up.
    launch.env("LOG_LEVEL", "debug");
    let plugin = PluginProcess::start(launch, &DifyHost::builder().build()).await?;
    let ready = plugin.heartbeats().times.first().copied().unwrap_or_default();
    say!("  ready after {:.1} ms", ready.as_secs_f64() * 1000.0)?;
    for line in rights::given_up(&plugin).await? {
        say!("  {}", shown(&line))?;
    }
    for provider in providers(&archive, &manifest)? {
        ask(&plugin, &provider).await?;
    }
    if let Some(bytes) = plugin.rss_bytes() {
        say!("  {} kB of memory", bytes / 1000)?;
    }
    let violations = plugin.violations();
    plugin.stop().await;
    match violations.first() {
        None => Ok(()),
        Some(violation) => Err(format!("on standard output came what does not belong there: {violation:?}").into()),
    }
}

fn text<'a>(archive: &'a Archive, path: &str) -> Result<&'a str, Failure> {
    let file = archive.files.iter().find(|(file, _)| file == path);
    let (_, bytes) = file.ok_or_else(|| format!("{path} is not in the package"))?;
    Ok(std::str::from_utf8(bytes).map_err(|_| format!("{path} is not UTF-8"))?)
}

/// As the daemon does it: every file without the right to execute it, and none outside of the folder.
fn unpack(archive: &Archive, folder: &Path) -> Result<(), Failure> {
    for (path, bytes) in &archive.files {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!("{path:?} is no path that the daemon takes").into());
        }
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, bytes)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

fn providers(archive: &Archive, manifest: &Manifest) -> Result<Vec<Provider>, Failure> {
    let mut providers = Vec::new();
    for file in &manifest.plugins.tools {
        let provider = parse_tool_provider(text(archive, file)?).map_err(|error| format!("{file}: {error}"))?;
        providers.push(Provider::Tool(provider.identity.name));
    }
    for file in &manifest.plugins.datasources {
        let provider = parse_datasource_provider(text(archive, file)?).map_err(|error| format!("{file}: {error}"))?;
        providers.push(Provider::Datasource(provider.identity.name));
    }
    Ok(providers)
}

/// Asks for a check of no credentials at all: an answer in words is what a plugin in good health gives.
async fn ask(plugin: &PluginProcess, provider: &Provider) -> Result<(), Failure> {
    let (Provider::Tool(name) | Provider::Datasource(name)) = provider;
    let fields = ValidateCredentials { user_id: String::new(), provider: name.clone(), credentials: Map::new() };
    let asked = Instant::now();
    let outcome = match provider {
        Provider::Tool(_) => plugin.validate_tool_credentials(&fields).await,
        Provider::Datasource(_) => plugin.validate_datasource_credentials(&fields).await,
    };
    let answer = match outcome {
        Ok(()) => "accepts them".to_owned(),
        Err(CallFailure::Plugin(error)) => format!("says {:?}", error.message),
        Err(failure) => return Err(failure.into()),
    };
    let name = shown(name);
    say!("  {name}, without credentials, {answer} after {:.1} ms", asked.elapsed().as_secs_f64() * 1000.0)?;
    Ok(())
}
