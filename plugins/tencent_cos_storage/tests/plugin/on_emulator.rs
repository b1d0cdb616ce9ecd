//! The plugin, started as Dify's daemon starts it, and a COS server for it to talk to.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "calls.rs"]
pub(crate) mod calls;

use std::process::Command;

use cos_emulator::CosEmulator;
use dify_plugin_host::{CallFailure, PluginProcess, ReceivedFile, UploadEndpoint};
use dify_plugin_protocol::{BrowseFilesResponse, CallError, DownloadFile};
use secret_watch::SecretWatch;
use serde_json::{Map, Value, json};

use calls::watched::{watch_cos, watch_over};

pub(crate) const BUCKET: &str = "docs-1250000000";

pub(crate) struct OnEmulator {
    pub(crate) cos: CosEmulator,
    pub(crate) uploads: UploadEndpoint,
    pub(crate) plugin: PluginProcess,
    /// What the user filled in.
    pub(crate) credentials: Map<String, Value>,
    /// Fails the test at its end if a secret of the account was seen where it may not be.
    pub(crate) watch: SecretWatch,
}

impl OnEmulator {
    /// With one empty bucket, [`BUCKET`], and an endpoint that takes buckets from the path.
    pub(crate) async fn start() -> Self {
        Self::start_uploading_to(UploadEndpoint::start().await.unwrap()).await
    }

    /// The same, with a say in how the plugin is started.
    pub(crate) async fn start_set_up(set_up: impl FnOnce(&mut Command)) -> Self {
        let cos = CosEmulator::builder().start().await.unwrap();
        cos.create_bucket(BUCKET, "ap-guangzhou").unwrap();
        let credentials = credentials(&cos, &cos.endpoint());
        Self::start_with(cos, UploadEndpoint::start().await.unwrap(), credentials, set_up).await
    }

    /// The same, with an upload address of the test's own.
    pub(crate) async fn start_uploading_to(uploads: UploadEndpoint) -> Self {
        let cos = CosEmulator::builder().start().await.unwrap();
        cos.create_bucket(BUCKET, "ap-guangzhou").unwrap();
        let credentials = credentials(&cos, &cos.endpoint());
        Self::start_with(cos, uploads, credentials, |_| ()).await
    }

    /// With COS's own host names, which the plugin's proxy, the emulator, takes to itself: here a bucket is found in its
    /// own region only.
    pub(crate) async fn start_with_regions() -> Self {
        Self::start_with_regions_on(CosEmulator::builder().start().await.unwrap()).await
    }

    /// The same with an emulator of the test's own.
    pub(crate) async fn start_with_regions_on(cos: CosEmulator) -> Self {
        cos.create_bucket(BUCKET, "ap-guangzhou").unwrap();
        Self::start_without_bucket(cos).await
    }

    /// The same without [`BUCKET`].
    pub(crate) async fn start_without_bucket(cos: CosEmulator) -> Self {
        let credentials = credentials(&cos, "http://{bucket}.cos.{region}.myqcloud.com");
        let proxy = cos.url();
        let uploads = UploadEndpoint::start().await.unwrap();
        Self::start_with(cos, uploads, credentials, |command| {
            command.env("HTTP_PROXY", proxy);
        })
        .await
    }

    async fn start_with(
        cos: CosEmulator,
        uploads: UploadEndpoint,
        credentials: Map<String, Value>,
        set_up: impl FnOnce(&mut Command),
    ) -> Self {
        let watch = watch_over(cos.secret_id(), cos.secret_key());
        watch_cos(&watch, &cos);
        let plugin = calls::start(&uploads, &watch, set_up).await;
        Self { cos, uploads, plugin, credentials, watch }
    }

    pub(crate) fn put(&self, key: &str, content: &str) {
        self.cos.put_object(BUCKET, key, content.to_owned()).unwrap();
    }

    pub(crate) async fn browse(&self, request: Value) -> Result<BrowseFilesResponse, CallFailure> {
        self.plugin.browse_files(calls::browse(&self.credentials, request)).await
    }

    pub(crate) async fn download(&self, bucket: &str, id: &str) -> Result<ReceivedFile, CallFailure> {
        self.plugin.download_file(self.download_fields(bucket, id)).await
    }

    pub(crate) fn download_fields(&self, bucket: &str, id: &str) -> DownloadFile {
        calls::download(&self.credentials, bucket, id)
    }

    pub(crate) async fn validate(&self) -> Result<(), CallFailure> {
        self.plugin.validate_datasource_credentials(&calls::validate(&self.credentials)).await
    }

    /// Leaves a field empty.
    pub(crate) fn leave_out(&mut self, name: &str) {
        self.credentials.remove(name);
    }

    pub(crate) fn fill_in(&mut self, name: &str, value: impl Into<Value>) {
        self.credentials.insert(name.to_owned(), value.into());
    }

    /// Asserts what holds after any call: nothing but protocol on standard output, no secret where it may not be, nothing
    /// but reads at COS.
    pub(crate) fn assert_well_behaved(&self) {
        assert_eq!(self.plugin.violations(), []);
        self.watch.assert_no_leak();
        assert!(
            self.cos.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")),
            "{:?}",
            self.cos.requests()
        );
    }
}

/// What the user reads, without a secret in it.
pub(crate) fn refusal<T: std::fmt::Debug>(cos: &CosEmulator, outcome: Result<T, CallFailure>) -> CallError {
    refusal_without(cos.secret_key(), outcome)
}

/// The same, for a server that is gone.
pub(crate) fn refusal_without<T: std::fmt::Debug>(secret: &str, outcome: Result<T, CallFailure>) -> CallError {
    match outcome {
        Err(CallFailure::Plugin(error)) => {
            assert!(!error.message.contains(secret) && !error.message.contains('\n'), "{}", error.message);
            error
        }
        other => panic!("{other:?}"),
    }
}

fn credentials(cos: &CosEmulator, endpoint: &str) -> Map<String, Value> {
    let credentials = json!({
        "secret_id": cos.secret_id(),
        "secret_key": cos.secret_key(),
        "region": "ap-guangzhou",
        "endpoint": endpoint,
    });
    credentials.as_object().unwrap().clone()
}
