use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::given_up::give_up_rights;
use crate::settings::{InstallMethod, RemoteInstall, ServerlessSettings, Settings};
use crate::stderr_log::ShownOnly;
use crate::transport::{remote, serverless, stdio};
use crate::{Declaration, OnlineDriveProvider, ToolProvider};

/// A plugin: what it offers, by the names in its YAML files.
#[derive(Debug)]
pub struct Plugin {
    name: &'static str,
    version: &'static str,
    declaration: Option<Declaration>,
    log_targets: Vec<&'static str>,
    pub(crate) keeps_rights: bool,
    pub(crate) tool_providers: BTreeMap<&'static str, ToolProvider>,
    pub(crate) drive_providers: BTreeMap<&'static str, OnlineDriveProvider>,
}

impl Plugin {
    /// A plugin that offers nothing yet. Name and version are those of its manifest, and it can be debugged against a
    /// running Dify.
    #[must_use]
    pub const fn declared(declaration: Declaration) -> Self {
        let mut plugin = Self::new(declaration.name, declaration.version);
        plugin.declaration = Some(declaration);
        plugin
    }

    /// The same without a declaration in the executable, so that the plugin cannot be debugged against a running Dify.
    #[must_use]
    pub const fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            name,
            version,
            declaration: None,
            log_targets: Vec::new(),
            keeps_rights: false,
            tool_providers: BTreeMap::new(),
            drive_providers: BTreeMap::new(),
        }
    }

    /// Adds a provider of tools.
    #[must_use]
    pub fn tools(mut self, provider: ToolProvider) -> Self {
        self.tool_providers.insert(provider.name, provider);
        self
    }

    /// Adds a provider of online drives.
    #[must_use]
    pub fn online_drives(mut self, provider: OnlineDriveProvider) -> Self {
        self.drive_providers.insert(provider.name, provider);
        self
    }

    /// Crates, other than this one, whose events go to standard error. Those of all others stay silent: a library may
    /// log what it sends, secrets included.
    #[must_use]
    pub fn logs_of(mut self, crates: &[&'static str]) -> Self {
        self.log_targets.extend(crates);
        self
    }

    /// Keeps the rights that [`run`](Self::run) would give up: for a plugin that has to write files, start programs or
    /// listen. Such a plugin can promise less.
    #[must_use]
    pub const fn keeping_rights(mut self) -> Self {
        self.keeps_rights = true;
        self
    }

    /// Serves Dify until it hangs up or the process is told to stop: the whole of a plugin's `main`.
    ///
    /// Before the first request is read, the process gives up every right but to read files and to open connections, as
    /// far as the system offers it: no file is written and no program started from then on. To be called while the
    /// process has one thread.
    ///
    /// The environment and, for what is not set there, a `.env` file in the working directory decide how, under the
    /// names of the official SDK. `INSTALL_METHOD` is `local` (the default), `remote` or `serverless`.
    /// `HEARTBEAT_INTERVAL` is in seconds (10 unless set). `PLUGIN_MAX_FILE_SIZE` is the largest file, in bytes, that
    /// Dify merges from chunks (30 MiB unless set), and `LOG_LEVEL` is `error`, `warn` (the default), `info`, `debug` or
    /// `trace`.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let settings = match Settings::read() {
            Ok(settings) => settings,
            Err(error) => {
                eprintln!("{}: {error}", self.name);
                return ExitCode::FAILURE;
            }
        };
        self.log_to_stderr(settings.log_level);
        silence_panics();
        match &settings.install_method {
            InstallMethod::Local => self.run_local(&settings),
            InstallMethod::Serverless(serverless) => self.run_serverless(&settings, serverless),
            InstallMethod::Remote(remote) => self.run_remote(&settings, remote),
        }
    }

    fn run_local(self, settings: &Settings) -> ExitCode {
        if io::stdin().is_terminal() {
            eprintln!("{}", self.about());
            return ExitCode::FAILURE;
        }
        give_up_rights(&self);
        match stdio::serve(Arc::new(self), settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the connection to Dify broke: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run_remote(self, settings: &Settings, remote: &RemoteInstall) -> ExitCode {
        let Some(declaration) = self.declaration else {
            eprintln!("{}: INSTALL_METHOD=remote needs a plugin that is made with Plugin::declared", self.name);
            return ExitCode::FAILURE;
        };
        give_up_rights(&self);
        match remote::serve(Arc::new(self), declaration, remote, settings) {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        }
    }

    fn run_serverless(self, settings: &Settings, serverless: &ServerlessSettings) -> ExitCode {
        let name = self.name;
        match serverless::serve(Arc::new(self), settings, serverless) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{name}: {error}");
                ExitCode::FAILURE
            }
        }
    }

    /// As they stand in the manifest.
    pub(crate) const fn name_and_version(&self) -> (&'static str, &'static str) {
        (self.name, self.version)
    }

    fn about(&self) -> String {
        let tools = self.tool_providers.values().flat_map(|provider| {
            provider.tools.keys().map(move |tool| format!("  tool {tool} of provider {}\n", provider.name))
        });
        let drives = self.drive_providers.values().flat_map(|provider| {
            provider.drives.keys().map(move |drive| format!("  online drive {drive} of provider {}\n", provider.name))
        });
        format!(
            "{} {} is a plugin for Dify and offers\n{}It speaks Dify's protocol on standard input and output, so it is \
             started by Dify's plugin daemon and not by hand.",
            self.name,
            self.version,
            tools.chain(drives).collect::<String>()
        )
    }

    fn log_to_stderr(&self, level: LevelFilter) {
        let targets = self.log_targets.iter().copied().chain(["dify_plugin"]);
        let filter = Targets::new().with_default(LevelFilter::OFF).with_targets(targets.map(|target| (target, level)));
        let to_stderr = tracing_subscriber::fmt::layer().with_writer(|| ShownOnly(io::stderr())).with_ansi(false);
        // A second plugin in one process keeps the first one's log.
        let _ = tracing_subscriber::registry().with(filter).with(to_stderr).try_init();
    }
}

/// The payload of a panic may hold anything, a secret too; the place is enough to find it.
fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => eprintln!("panic at {place}"),
        None => eprintln!("panic"),
    }));
}
