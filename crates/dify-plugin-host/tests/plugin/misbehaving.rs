//! The misbehaving plugin, started, and calls that name what it is to do.

#![allow(dead_code, clippy::unwrap_used)]

use std::process::Command;
use std::time::Duration;

use dify_plugin_host::{Answer, CallFailure, CallRequest, DifyHost, PluginProcess, StartError};
use dify_plugin_protocol::{
    BrowseFiles, BrowseFilesRequest, CredentialType, DownloadFile, DownloadFileRequest, FetchParameterOptions,
    InvokeTool, ValidateCredentials,
};
use serde_json::{Map, Value};

/// Longer than anything here takes, and short enough to notice a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_misbehaving-plugin"))
}

pub(crate) fn dify() -> DifyHost {
    DifyHost::builder().call_limit(PATIENCE).build()
}

pub(crate) async fn start() -> PluginProcess {
    start_in(&dify()).await
}

pub(crate) async fn start_in(dify: &DifyHost) -> PluginProcess {
    PluginProcess::start(command(), dify).await.unwrap()
}

pub(crate) async fn start_as(at_start: &str, dify: &DifyHost) -> Result<PluginProcess, StartError> {
    let mut command = command();
    command.env("MISBEHAVE_AT_START", at_start);
    PluginProcess::start(command, dify).await
}

pub(crate) fn tool(what: &str) -> InvokeTool {
    tool_with(what, Map::new())
}

pub(crate) fn tool_with(what: &str, tool_parameters: Map<String, Value>) -> InvokeTool {
    InvokeTool {
        user_id: "user-1".into(),
        provider: what.into(),
        tool: "tool".into(),
        credentials: Map::new(),
        credential_type: CredentialType::ApiKey,
        tool_parameters,
    }
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn download(what: &str) -> DownloadFile {
    DownloadFile {
        user_id: "user-1".into(),
        provider: what.into(),
        datasource: "drive".into(),
        credentials: Map::new(),
        request: DownloadFileRequest { bucket: None, id: "f".into() },
    }
}

pub(crate) fn browse(what: &str) -> BrowseFiles {
    BrowseFiles {
        user_id: "user-1".into(),
        provider: what.into(),
        datasource: "drive".into(),
        credentials: Map::new(),
        request: BrowseFilesRequest {
            bucket: None,
            prefix: String::new(),
            max_keys: 20,
            next_page_parameters: Map::new(),
        },
    }
}

pub(crate) fn credentials(what: &str) -> ValidateCredentials {
    ValidateCredentials { user_id: "user-1".into(), provider: what.into(), credentials: Map::new() }
}

pub(crate) fn options(what: &str) -> FetchParameterOptions {
    FetchParameterOptions {
        user_id: "user-1".into(),
        provider: what.into(),
        provider_action: "tool".into(),
        parameter: "p".into(),
        credentials: Map::new(),
        credential_type: CredentialType::ApiKey,
    }
}

/// The failure of a tool call, which must not take a healthy plugin with it.
pub(crate) async fn failure_of(plugin: &PluginProcess, request: impl Into<CallRequest> + Send) -> CallFailure {
    let failure = plugin.call(request).await.unwrap_err();
    let answer: Answer = plugin.invoke_tool(tool("text")).await.unwrap();
    assert_eq!(answer.text(), "done");
    failure
}
