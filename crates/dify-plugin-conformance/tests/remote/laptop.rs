//! A plugin started by hand, and what the person who started it reads.

#![allow(dead_code, clippy::unwrap_used)]

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use dify_plugin_host::{DebuggedPlugin, DebuggingServer};
use dify_plugin_protocol::{CredentialType, InvokeTool};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

/// How long to wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Laptop {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    seen: Vec<String>,
}

impl Laptop {
    pub(crate) fn start(environment: &[(&str, String)]) -> Self {
        Self::start_with(environment, |_| ())
    }

    pub(crate) fn start_for(server: &DebuggingServer) -> Self {
        Self::start(&server.environment())
    }

    pub(crate) fn start_with(environment: &[(&str, String)], set_up: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
        for name in ["INSTALL_METHOD", "REMOTE_INSTALL_URL", "REMOTE_INSTALL_KEY"] {
            command.env_remove(name);
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        set_up(&mut command);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains `text`.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let Ok(Ok(Some(line))) = line else { panic!("it said {:#?}, and never: {text}", self.seen) };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits for its end, and says all that it said.
    pub(crate) async fn ends(mut self) -> (ExitStatus, Vec<String>) {
        while let Some(line) = timeout(PATIENCE, self.lines.next_line()).await.unwrap().unwrap() {
            self.seen.push(line);
        }
        (timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap(), self.seen)
    }

    /// Sends it `TERM` or `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }
}

/// The plugin that registers next.
pub(crate) async fn registered(server: &DebuggingServer) -> DebuggedPlugin {
    timeout(PATIENCE, server.next()).await.unwrap().unwrap()
}

/// What goes wrong with the plugin that connects next.
pub(crate) async fn refused(server: &DebuggingServer) -> String {
    timeout(PATIENCE, server.next()).await.unwrap().unwrap_err().to_string()
}

pub(crate) fn emit(parameters: Value) -> InvokeTool {
    InvokeTool {
        user_id: "user-1".to_owned(),
        provider: "vec".to_owned(),
        tool: "emit".to_owned(),
        credentials: Map::new(),
        credential_type: CredentialType::ApiKey,
        tool_parameters: parameters.as_object().cloned().unwrap(),
    }
}
