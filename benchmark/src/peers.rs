//! Python plugins on the official SDK, in environments with what the official plugins depend on. The plugins in `peers/`
//! are ours; they do what the official ones do.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::bench::Plugin;

/// Environments by the name of their requirements.
const ENVIRONMENTS: [&str; 2] = ["comfyui", "tencent_cos_storage"];

/// All of them, ready to start.
#[derive(Debug)]
pub(crate) struct Peers {
    folder: PathBuf,
    /// The Python that made the environments.
    pub(crate) python: PathBuf,
}

impl Peers {
    /// Makes the environments below `kept`, where they are not yet; the first time that needs a package index.
    pub(crate) fn prepare(kept: &Path) -> Result<Self, Failure> {
        let python = find_python().ok_or(
            "no Python 3.12 or newer, which the official SDK needs: name one in OXIDIFY_BENCH_PYTHON to compare",
        )?;
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        let folder = kept.join("peers");
        for name in ENVIRONMENTS {
            let requirements = sources.join(format!("requirements-{name}.txt"));
            make_environment(&python, &folder.join(format!("environment-{name}")), &requirements)?;
        }
        let peers = Self { folder, python };
        for plugin in [Plugin::Bench, Plugin::ComfyUi, Plugin::Cos] {
            let copy = peers.plugin_folder(plugin);
            // Anew each time: the sources may have changed.
            let _ = fs::remove_dir_all(&copy);
            copy_folder(&sources.join(plugin.name()), &copy)?;
            // As the daemon does after it has installed a plugin.
            run(Command::new(peers.environment(plugin).join("bin/python"))
                .args(["-m", "compileall", "-q"])
                .arg(&copy))?;
        }
        Ok(peers)
    }

    /// How the daemon starts one.
    pub(crate) fn command(&self, plugin: Plugin) -> Command {
        let mut command = Command::new(self.environment(plugin).join("bin/python"));
        command.args(["-m", "main"]).current_dir(self.plugin_folder(plugin));
        command
    }

    /// What an installed one takes on the disk: its environment and its own files.
    pub(crate) fn installed_bytes(&self, plugin: Plugin) -> Result<u64, Failure> {
        Ok(folder_bytes(&self.environment(plugin))? + folder_bytes(&self.plugin_folder(plugin))?)
    }

    fn plugin_folder(&self, plugin: Plugin) -> PathBuf {
        self.folder.join(plugin.name())
    }

    fn environment(&self, plugin: Plugin) -> PathBuf {
        let name = match plugin {
            Plugin::Bench | Plugin::ComfyUi => "comfyui",
            Plugin::Cos => "tencent_cos_storage",
        };
        self.folder.join(format!("environment-{name}"))
    }
}

/// The SDK wants 3.12. Version managers keep several aside.
fn find_python() -> Option<PathBuf> {
    let named = env::var_os("OXIDIFY_BENCH_PYTHON").map(PathBuf::from);
    let usual = ["python3.12", "python3.13", "python3"].map(PathBuf::from);
    let managed = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let managed = managed.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let managed = managed.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let managed = managed.into_iter().flatten().flatten().map(|version| version.path().join("bin/python3"));
    let is_good = |python: &PathBuf| {
        let script = "import sys, venv; sys.exit(not (3, 12) <= sys.version_info < (3, 14))";
        let mut command = Command::new(python);
        command.args(["-c", script]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    named.into_iter().chain(usual).chain(managed).find(is_good)
}

fn make_environment(python: &Path, folder: &Path, requirements: &Path) -> Result<(), Failure> {
    let wanted = fs::read_to_string(requirements)?;
    let complete = folder.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("installing {} …", requirements.display());
    // What an interrupted run left is of no use.
    let _ = fs::remove_dir_all(folder);
    run(Command::new(python).args(["-m", "venv"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "15", "--retries", "1"];
    run(Command::new(folder.join("bin/python")).args(pip).arg("--requirement").arg(requirements))?;
    // It is no part of a plugin's environment, which uv makes.
    run(Command::new(folder.join("bin/python")).args(["-m", "pip", "uninstall", "--quiet", "--yes", "pip"]))?;
    fs::write(complete, wanted)?;
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    Err(format!("{name} ended with {}: {last}", output.status).into())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Bytes of all files in a folder, links not followed.
pub(crate) fn folder_bytes(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { folder_bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}
