//! The plugin's process, and the calls that Dify makes.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "watched.rs"]
pub(crate) mod watched;

use std::process::Command;
use std::time::Duration;

use dify_plugin_host::{DifyHost, PluginProcess, UploadEndpoint};
use dify_plugin_protocol::{BrowseFiles, BrowseFilesRequest, DownloadFile, DownloadFileRequest, ValidateCredentials};
use secret_watch::SecretWatch;
use serde_json::{Map, Value};

const NAME: &str = "tencent_cos_storage";

/// Longer than anything here takes, and short enough to notice a hang.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts the plugin as Dify's daemon does, without a proxy unless `set_up` gives one, and with all that it logs. What it
/// sends to Dify is shown to `watch`.
pub(crate) async fn start(
    uploads: &UploadEndpoint,
    watch: &SecretWatch,
    set_up: impl FnOnce(&mut Command),
) -> PluginProcess {
    let dify = dify(uploads);
    watched::watch_uploads(watch, uploads);
    watched::watch_output(watch, &dify);
    let log_and_set_up = |command: &mut Command| {
        command.env("LOG_LEVEL", "trace");
        set_up(command);
    };
    start_in(&dify, log_and_set_up).await
}

/// The same for measurements, which a search would disturb.
pub(crate) async fn start_unwatched(uploads: &UploadEndpoint) -> PluginProcess {
    start_in(&dify(uploads), |_| ()).await
}

fn dify(uploads: &UploadEndpoint) -> DifyHost {
    DifyHost::builder().uploads(uploads.clone()).call_limit(PATIENCE).strict(true).build()
}

async fn start_in(dify: &DifyHost, set_up: impl FnOnce(&mut Command)) -> PluginProcess {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify-tencent-cos"));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    set_up(&mut command);
    PluginProcess::start(command, dify).await.unwrap()
}

pub(crate) fn browse(credentials: &Map<String, Value>, request: Value) -> BrowseFiles {
    BrowseFiles {
        user_id: "user-1".into(),
        provider: NAME.into(),
        datasource: NAME.into(),
        credentials: credentials.clone(),
        request: serde_json::from_value::<BrowseFilesRequest>(request).unwrap(),
    }
}

pub(crate) fn download(credentials: &Map<String, Value>, bucket: &str, id: &str) -> DownloadFile {
    DownloadFile {
        user_id: "user-1".into(),
        provider: NAME.into(),
        datasource: NAME.into(),
        credentials: credentials.clone(),
        request: DownloadFileRequest { bucket: Some(bucket.to_owned()).filter(|name| !name.is_empty()), id: id.into() },
    }
}

pub(crate) fn validate(credentials: &Map<String, Value>) -> ValidateCredentials {
    ValidateCredentials { user_id: "user-1".into(), provider: NAME.into(), credentials: credentials.clone() }
}
