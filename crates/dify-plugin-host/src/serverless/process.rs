use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout};
use tokio::time::timeout;

use super::{ServerlessPlugin, Transactions};
use crate::host::DifyHost;
use crate::process::memory;

/// How long a plugin may take to listen.
const START: Duration = Duration::from_secs(30);

/// A plugin's process that serves HTTP on a free port of 127.0.0.1. It is killed when dropped.
#[derive(Debug)]
pub struct ServerlessProcess {
    child: Child,
    pid: u32,
    address: String,
    plugin: ServerlessPlugin,
    transactions: Transactions,
    stdout: Option<ChildStdout>,
    /// Kept open: a plugin may write to it.
    _stderr: BufReader<ChildStderr>,
}

impl ServerlessProcess {
    /// Starts a plugin and waits until it says where it listens. What `command` sets wins.
    ///
    /// # Errors
    /// When it cannot be started, ends first, or says nothing for 30 s.
    pub async fn start(command: Command, dify: &DifyHost) -> io::Result<Self> {
        let transactions = Transactions::start(dify).await?;
        let is_set = |name: &str| command.get_envs().any(|(set, _)| set == name);
        let daemon_url = transactions.daemon_url();
        let defaults = [
            ("INSTALL_METHOD", "serverless"),
            ("SERVERLESS_HOST", "127.0.0.1"),
            ("SERVERLESS_PORT", "0"),
            ("DIFY_PLUGIN_DAEMON_URL", &daemon_url),
        ];
        let missing: Vec<_> = defaults.into_iter().filter(|(name, _)| !is_set(name)).collect();
        let mut command = tokio::process::Command::from(command);
        command.envs(missing).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(stderr), Some(pid)) = (child.stderr.take(), child.id()) else {
            return Err(io::Error::other("the process has no standard error"));
        };
        let stdout = child.stdout.take();
        let mut stderr = BufReader::new(stderr);
        let mut said = String::new();
        let listens = timeout(START, stderr.read_line(&mut said)).await;
        listens.map_err(|_| io::Error::other("the plugin does not say where it listens"))??;
        let address = said.trim().split_once(" listens on http://").map(|(_, address)| address.to_owned());
        let address = address.ok_or_else(|| io::Error::other(format!("the plugin says: {said}")))?;
        let plugin = ServerlessPlugin::at(format!("http://{address}"), dify, &transactions);
        Ok(Self { child, pid, address, plugin, transactions, stdout, _stderr: stderr })
    }

    /// The plugin.
    #[must_use]
    pub const fn plugin(&self) -> &ServerlessPlugin {
        &self.plugin
    }

    /// Where its calls back go.
    #[must_use]
    pub const fn transactions(&self) -> &Transactions {
        &self.transactions
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Bytes of memory that the process holds now. None when it is gone, and on systems other than Linux.
    #[must_use]
    pub fn rss_bytes(&self) -> Option<u64> {
        memory::status_bytes(self.pid, "VmRSS")
    }

    /// Most bytes of memory that the process ever held. None as for [`rss_bytes`](Self::rss_bytes).
    #[must_use]
    pub fn peak_rss_bytes(&self) -> Option<u64> {
        memory::status_bytes(self.pid, "VmHWM")
    }

    /// Asks the process to stop, as a container's runtime does.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn terminate(&self) -> io::Result<()> {
        let status = Command::new("kill").args(["-TERM", &self.pid.to_string()]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("the signal was not sent")) }
    }

    /// Waits for the end of the process; its status, and what it wrote to standard output: nothing, for a plugin that
    /// does right.
    ///
    /// # Errors
    /// When it still runs after `limit`.
    pub async fn wait(mut self, limit: Duration) -> io::Result<(ExitStatus, Vec<u8>)> {
        let mut written = Vec::new();
        let end = async {
            if let Some(stdout) = &mut self.stdout {
                stdout.read_to_end(&mut written).await?;
            }
            self.child.wait().await
        };
        let status = timeout(limit, end).await.map_err(|_| io::Error::other("the process still runs"))??;
        Ok((status, written))
    }
}
