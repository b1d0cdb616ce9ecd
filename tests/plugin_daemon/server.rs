//! The daemon as a child process, with a database, a folder and ports of its own.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::api::Api;

const SERVER_KEY: &str = "server-key";

/// What a daemon and its plugins may reach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// The loopback: every proxy setting points at a port that nobody listens on.
    None,
    /// What this machine reaches.
    Whole,
}

/// How daemons of one cluster are started: they share a database, a Redis and a folder of packages.
#[derive(Clone)]
pub(crate) struct DaemonSettings {
    executables: PathBuf,
    uv: PathBuf,
    python: PathBuf,
    database: String,
    storage: Arc<TempDir>,
    inner_api: String,
    network: Network,
    public_key: Option<PathBuf>,
    _alone: Arc<MutexGuard<'static, ()>>,
}

pub(crate) struct Daemon {
    settings: DaemonSettings,
    /// Where it unpacks plugins.
    folder: TempDir,
    ports: [u16; 2],
    child: Child,
    api: Api,
}

impl DaemonSettings {
    /// Waits until no other test has settings: daemons that share a Redis are nodes of one cluster.
    pub(crate) async fn of_the_environment() -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::const_new(());
        let path = |name: &str, otherwise: &str| PathBuf::from(env::var_os(name).unwrap_or_else(|| otherwise.into()));
        Some(Self {
            executables: env::var_os("OXIDIFY_PLUGIN_DAEMON")?.into(),
            _alone: Arc::new(ALONE.lock().await),
            uv: path("OXIDIFY_UV", "uv"),
            python: path("OXIDIFY_PYTHON", "/usr/bin/python3.12"),
            database: format!("oxidify_{}", Uuid::new_v4().simple()),
            storage: Arc::new(tempfile::tempdir().unwrap()),
            inner_api: "http://127.0.0.1:1".to_owned(),
            network: Network::None,
            public_key: None,
        })
    }

    pub(crate) fn inner_api(self, url: &str) -> Self {
        Self { inner_api: url.to_owned(), ..self }
    }

    pub(crate) fn network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    pub(crate) fn signed_by(self, public_key: PathBuf) -> Self {
        Self { public_key: Some(public_key), ..self }
    }

    fn command(&self, executable: &str, folder: &Path, [port, debugging_port]: [u16; 2]) -> Command {
        let storage = self.storage.path();
        let mut command = Command::new(self.executables.join(executable));
        let logs = fs::File::options().create(true).append(true).open(storage.join("log")).unwrap();
        command.current_dir(folder).stdin(Stdio::null()).stdout(logs.try_clone().unwrap()).stderr(logs);
        for (name, value) in [
            ("DB_DATABASE", self.database.as_str()),
            ("DB_SSL_MODE", "disable"),
            ("DB_TYPE", "postgresql"),
            ("DIFY_INNER_API_KEY", "inner-key"),
            ("DIFY_INNER_API_URL", &self.inner_api),
            ("GIN_MODE", "release"),
            ("PIP_MIRROR_AUTO_DETECT", "false"),
            ("PLATFORM", "local"),
            ("PLUGIN_INSTALLED_PATH", "plugin"),
            ("PLUGIN_PACKAGE_CACHE_PATH", "plugin_packages"),
            ("PLUGIN_REMOTE_INSTALLING_ENABLED", "true"),
            ("PLUGIN_REMOTE_INSTALLING_HOST", "127.0.0.1"),
            ("PLUGIN_REMOTE_INSTALLING_PORT", &debugging_port.to_string()),
            ("PLUGIN_STORAGE_LOCAL_ROOT", storage.to_str().unwrap()),
            ("PLUGIN_STORAGE_TYPE", "local"),
            ("PLUGIN_WORKING_PATH", folder.to_str().unwrap()),
            ("PYTHON_INTERPRETER_PATH", self.python.to_str().unwrap()),
            ("SERVER_HOST", "127.0.0.1"),
            ("SERVER_KEY", SERVER_KEY),
            ("SERVER_PORT", &port.to_string()),
            ("UV_PATH", self.uv.to_str().unwrap()),
        ] {
            command.env(name, value);
        }
        for (name, value) in [
            ("DB_HOST", "127.0.0.1"),
            ("DB_PASSWORD", "difyai123456"),
            ("DB_PORT", "5432"),
            ("DB_USERNAME", "postgres"),
            ("REDIS_DB", "0"),
            ("REDIS_HOST", "127.0.0.1"),
            ("REDIS_PASSWORD", "difyai123456"),
            ("REDIS_PORT", "6379"),
        ] {
            if env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        // uv looks there for the version that the manifest names.
        let paths = env::var_os("PATH").unwrap_or_default();
        let paths = self.python.parent().map(PathBuf::from).into_iter().chain(env::split_paths(&paths));
        command.env("PATH", env::join_paths(paths).unwrap());
        match &self.public_key {
            Some(key) => {
                command
                    .env("FORCE_VERIFYING_SIGNATURE", "true")
                    .env("THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED", "true");
                command.env("THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS", key);
            }
            None => {
                command.env("FORCE_VERIFYING_SIGNATURE", "false");
            }
        }
        if self.network == Network::None {
            for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
                command.env(name, "http://127.0.0.1:9").env(name.to_lowercase(), "http://127.0.0.1:9");
            }
            command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
            // No index of the user's own, which could be on this machine.
            for name in ["UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"] {
                command.env_remove(name);
            }
        }
        command
    }
}

impl Daemon {
    pub(crate) async fn start(settings: DaemonSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port()];
        let migrated = settings.command("commandline", folder.path(), ports).arg("migrate").status().unwrap();
        assert!(migrated.success(), "{}", log(&settings));
        let child = settings.command("server", folder.path(), ports).spawn().unwrap();
        let api = Api::new(&format!("http://127.0.0.1:{}", ports[0]), SERVER_KEY);
        let mut daemon = Self { settings, folder, ports, child, api };
        daemon.is_ready().await;
        daemon
    }

    pub(crate) const fn api(&self) -> &Api {
        &self.api
    }

    pub(crate) const fn settings(&self) -> &DaemonSettings {
        &self.settings
    }

    /// Where plugins register that somebody debugs.
    pub(crate) fn debugging_address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[1])
    }

    pub(crate) async fn restart(&mut self) {
        self.end().await;
        self.child = self.settings.command("server", self.folder.path(), self.ports).spawn().unwrap();
        self.is_ready().await;
    }

    pub(crate) async fn stop(mut self) {
        self.end().await;
    }

    /// The plugins at work here, and their memory (RSS, kB).
    pub(crate) fn plugin_memory(&self) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        for process in processes_in(self.folder.path()) {
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let kilobytes =
                status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
            let executable = fs::read_link(format!("/proc/{process}/exe")).unwrap_or_default();
            let name = executable.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.extend(kilobytes.map(|kilobytes| (name, kilobytes)));
        }
        found
    }

    /// Waits until no process of a plugin is left.
    pub(crate) async fn gone(&self, plugin: &str) {
        let started = Instant::now();
        let is_there = || {
            processes_in(self.folder.path()).iter().any(|process| {
                let folder = fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
                folder.to_string_lossy().contains(plugin)
            })
        };
        while is_there() {
            assert!(started.elapsed() < Duration::from_secs(60), "{plugin} is still there");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let started = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(20) {
                self.child.kill().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_ready(&mut self) {
        let started = Instant::now();
        let url = format!("http://127.0.0.1:{}/health/check", self.ports[0]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        while !client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
            assert!(self.child.try_wait().unwrap().is_none(), "{}", log(&self.settings));
            assert!(started.elapsed() < Duration::from_secs(60), "{}", log(&self.settings));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("the daemon's log:\n{}", log(&self.settings));
        }
    }
}

/// The last lines of the daemons' log, but for the requests and the stacks.
fn log(settings: &DaemonSettings) -> String {
    let text = fs::read(settings.storage.path().join("log")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("20") && !line.contains("HTTP request")).collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Processes whose working directory is within a folder.
fn processes_in(folder: &Path) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_within = |process: &u32| {
        let at = fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
        at.starts_with(folder) && at != folder
    };
    processes.filter(is_within).collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
