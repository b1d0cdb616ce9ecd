//! The plugin, and its requests.

use std::process::Command;

use dify_plugin_host::{DifyHost, ServerlessProcess};
use serde_json::{Value, json};

pub(crate) async fn start(kind: &str, dify: &DifyHost) -> ServerlessProcess {
    start_with(kind, dify, &[]).await
}

pub(crate) async fn start_with(kind: &str, dify: &DifyHost, environment: &[(&str, &str)]) -> ServerlessProcess {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
    command.arg(kind).envs(environment.iter().copied());
    ServerlessProcess::start(command, dify).await.unwrap()
}

/// A request line for the tool that sends every kind of reply.
pub(crate) fn emit_line(parameters: &Value) -> String {
    let data = json!({"user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "vec", "tool": "emit",
        "credentials": {}, "tool_parameters": parameters});
    json!({"session_id": "s", "event": "request", "data": data}).to_string()
}
