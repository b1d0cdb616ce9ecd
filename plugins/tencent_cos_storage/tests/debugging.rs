//! The plugin on a developer's machine, against the debugging server of a Dify: the daemon's rules take its declaration.

#![allow(clippy::unwrap_used)]

use std::process::Stdio;
use std::time::Duration;

use dify_plugin_host::{CallFailure, DebuggingServer, DifyHost};
use dify_plugin_protocol::{BrowseFiles, BrowseFilesRequest};
use serde_json::{Map, json};
use tokio::process::Command;
use tokio::time::timeout;

const NAME: &str = "tencent_cos_storage";

#[tokio::test]
async fn it_registers_and_is_called() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let _laptop = Command::new(env!("CARGO_BIN_EXE_oxidify-tencent-cos"))
        .envs(server.environment())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let debugged = timeout(Duration::from_secs(60), server.next()).await.unwrap().unwrap();
    let registration = &debugged.registration;
    assert_eq!(registration.manifest["name"], NAME);
    assert_eq!(registration.manifest["version"], env!("CARGO_PKG_VERSION"));
    let provider = registration.datasource_provider.as_ref().unwrap();
    assert_eq!(provider["provider_type"], "online_drive");
    assert_eq!(provider["datasources"][0]["identity"]["name"], NAME);
    for icon in ["icon.svg", "icon-dark.svg"] {
        let file = std::fs::read(format!("{}/_assets/{icon}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(registration.assets[icon], file);
    }

    let refused = debugged
        .plugin
        .browse_files(BrowseFiles {
            user_id: "user-1".to_owned(),
            provider: NAME.to_owned(),
            datasource: NAME.to_owned(),
            credentials: Map::new(),
            request: serde_json::from_value::<BrowseFilesRequest>(json!({"prefix": "", "max_keys": 1})).unwrap(),
        })
        .await;
    let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
    assert!(error.message.contains("secret_id"), "{}", error.message);
}
