//! What all measurements need: executables, peers, a folder, and how many rounds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Failure;
use crate::executables::{Executables, target_folder};
use crate::peers::Peers;
use crate::running::Running;

/// Whose plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    /// The Python one.
    Peer,
}

/// Which plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// Tools that do next to nothing.
    Bench,
    ComfyUi,
    Cos,
}

impl Plugin {
    /// The folder of its peer, and the name in its package.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::ComfyUi => "comfyui",
            Self::Cos => "tencent_cos_storage",
        }
    }

    pub(crate) const fn executable(self) -> &'static str {
        match self {
            Self::Bench => "bench-plugin",
            Self::ComfyUi => "oxidify-comfyui",
            Self::Cos => "oxidify-tencent-cos",
        }
    }
}

/// What all measurements need.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) quick: bool,
    pub(crate) executables: Executables,
    pub(crate) peers: Option<Peers>,
    /// For what is not kept.
    folder: TempDir,
    /// For what plugins and emulators log.
    log: PathBuf,
}

impl Bench {
    pub(crate) fn prepare(quick: bool, with_peers: bool, built: Option<&Path>) -> Result<Self, Failure> {
        let executables = match built {
            Some(folder) => Executables::of(folder),
            None => Executables::build()?,
        };
        let kept = target_folder()?.join("benchmark");
        std::fs::create_dir_all(&kept)?;
        let peers = match with_peers.then(|| Peers::prepare(&kept)) {
            Some(Ok(peers)) => Some(peers),
            Some(Err(failure)) => {
                eprintln!("without the Python peers: {failure}");
                None
            }
            None => None,
        };
        let log = kept.join("log.txt");
        File::create(&log)?;
        Ok(Self { quick, executables, peers, folder: tempfile::tempdir()?, log })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> Result<File, Failure> {
        Ok(File::options().append(true).open(&self.log)?)
    }

    /// The sides that are there: ours, and the peer where it could be prepared.
    pub(crate) fn sides(&self) -> &'static [Side] {
        if self.peers.is_some() { &[Side::Ours, Side::Peer] } else { &[Side::Ours] }
    }

    /// `full` times, or in a quick run once.
    pub(crate) const fn rounds(&self, full: usize) -> usize {
        if self.quick { 1 } else { full }
    }

    /// How a plugin is started: ours bare, the peer by its Python.
    pub(crate) fn command(&self, side: Side, plugin: Plugin) -> Result<Command, Failure> {
        match side {
            Side::Ours => Ok(as_the_daemon(Command::new(self.executables.path(plugin.executable())))),
            Side::Peer => Ok(as_the_daemon(self.peers.as_ref().ok_or("no peers")?.command(plugin))),
        }
    }

    /// A plugin at work, started by a command of one's own.
    pub(crate) fn start_by(&self, side: Side, command: Command) -> Result<Running, Failure> {
        let running = Running::start(command, self.log()?)?;
        Ok(if side == Side::Peer { running.killed_at_the_end() } else { running })
    }

    /// A plugin at work.
    pub(crate) fn start(&self, side: Side, plugin: Plugin) -> Result<Running, Failure> {
        self.start_by(side, self.command(side, plugin)?)
    }
}

/// The environment that both sides get: none of this machine's proxies, and files as large as are asked for.
pub(crate) fn as_the_daemon(mut command: Command) -> Command {
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.env("INSTALL_METHOD", "local").env("PLUGIN_MAX_FILE_SIZE", "4000000000");
    command
}
