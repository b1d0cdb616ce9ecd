//! The plugin on a developer's machine, against the debugging server of a Dify: the daemon's rules take its declaration.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::time::Duration;

use dify_plugin_host::{CallFailure, DebuggingServer, DifyHost};
use dify_plugin_protocol::ValidateCredentials;
use serde_json::Map;
use tokio::process::Command;
use tokio::time::timeout;

const NAME: &str = "comfyui";

#[tokio::test]
async fn it_registers_and_is_called() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let _laptop = Command::new(env!("CARGO_BIN_EXE_oxidify-comfyui"))
        .envs(server.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let debugged = timeout(Duration::from_secs(60), server.next()).await.unwrap().unwrap();
    let registration = &debugged.registration;
    assert_eq!(registration.manifest["name"], NAME);
    assert_eq!(registration.manifest["version"], env!("CARGO_PKG_VERSION"));
    let tools = registration.tool_provider.as_ref().unwrap()["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["identity"]["name"] == "workflow"), "{tools:?}");
    for icon in ["icon.svg", "icon-dark.svg"] {
        let file = std::fs::read(format!("{}/_assets/{icon}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(registration.assets[icon], file);
    }

    let validate =
        ValidateCredentials { user_id: "user-1".to_owned(), provider: NAME.to_owned(), credentials: Map::new() };
    let refused = debugged.plugin.validate_tool_credentials(&validate).await;
    let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
    assert!(error.message.contains("base_url"), "{}", error.message);
}
