//! A Dify as plugins see it: its limits, and what it offers to their calls back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dify_plugin_protocol::limits;

use crate::observers::{Observer, Observers};
use crate::storage::{DEFAULT_LIMIT, Storage};
use crate::upload_endpoint::UploadEndpoint;

/// How long a plugin may write nothing at all (dify-plugin-daemon, `internal/core/local_runtime/instance.go`).
const SILENCE: Duration = Duration::from_secs(120);

/// A Dify: limits and services, shared by any number of plugins. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DifyHost(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: DifyHostBuilder,
    storage: Mutex<Storage>,
    stdout_observers: Observers,
    stderr_observers: Observers,
}

/// Sets up a [`DifyHost`]. Everything has the value that a Dify of today has.
#[derive(Clone, Debug)]
pub struct DifyHostBuilder {
    merged_file_limit: u64,
    uploads: Option<UploadEndpoint>,
    storage: bool,
    storage_limit: usize,
    call_backs: bool,
    strict: bool,
    call_limit: Duration,
    linger: Duration,
    first_heartbeat: Duration,
    silence: Duration,
    tenant_id: String,
}

impl DifyHost {
    /// Limits as in today's Dify; storage allowed, no uploads.
    #[must_use]
    pub fn builder() -> DifyHostBuilder {
        DifyHostBuilder {
            merged_file_limit: limits::MERGED_FILE,
            uploads: None,
            storage: true,
            storage_limit: DEFAULT_LIMIT,
            call_backs: true,
            strict: false,
            call_limit: limits::CALL,
            linger: Duration::ZERO,
            first_heartbeat: limits::FIRST_HEARTBEAT,
            silence: SILENCE,
            tenant_id: "00000000-0000-4000-8000-000000000001".to_owned(),
        }
    }

    /// The endpoint for uploads, if there is one.
    #[must_use]
    pub fn uploads(&self) -> Option<&UploadEndpoint> {
        self.0.settings.uploads.as_ref()
    }

    /// Shows every byte that plugins write to standard output to observers, one for each plugin that is started from now
    /// on.
    pub fn observe_stdout(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.0.stdout_observers.set(make);
    }

    /// The same of standard error.
    pub fn observe_stderr(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.0.stderr_observers.set(make);
    }

    pub(crate) fn stdout_observers(&self) -> &Observers {
        &self.0.stdout_observers
    }

    pub(crate) fn stderr_observers(&self) -> &Observers {
        &self.0.stderr_observers
    }

    pub(crate) fn merged_file_limit(&self) -> u64 {
        self.0.settings.merged_file_limit
    }

    pub(crate) fn storage_allowed(&self) -> bool {
        self.0.settings.storage
    }

    pub(crate) fn with_storage<T>(&self, work: impl FnOnce(&mut Storage) -> T) -> T {
        work(&mut self.0.storage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn answers_call_backs(&self) -> bool {
        self.0.settings.call_backs
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.0.settings.strict
    }

    pub(crate) fn call_limit(&self) -> Duration {
        self.0.settings.call_limit
    }

    pub(crate) fn linger(&self) -> Duration {
        self.0.settings.linger
    }

    pub(crate) fn first_heartbeat(&self) -> Duration {
        self.0.settings.first_heartbeat
    }

    pub(crate) fn silence(&self) -> Duration {
        self.0.settings.silence
    }

    pub(crate) fn tenant_id(&self) -> &str {
        &self.0.settings.tenant_id
    }
}

impl Default for DifyHost {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl DifyHostBuilder {
    /// Largest file that is merged from chunks, in bytes. Default
    /// [`MERGED_FILE`](dify_plugin_protocol::limits::MERGED_FILE).
    #[must_use]
    pub const fn merged_file_limit(mut self, bytes: u64) -> Self {
        self.merged_file_limit = bytes;
        self
    }

    /// Answers `upload_file` with URLs of this endpoint. Without one, `upload_file` is answered with an error.
    #[must_use]
    pub fn uploads(mut self, endpoint: UploadEndpoint) -> Self {
        self.uploads = Some(endpoint);
        self
    }

    /// Whether the plugins have the permission for storage. Default true.
    #[must_use]
    pub const fn storage(mut self, allowed: bool) -> Self {
        self.storage = allowed;
        self
    }

    /// Most bytes of all stored values together. Default 100 MiB.
    #[must_use]
    pub const fn storage_limit(mut self, bytes: usize) -> Self {
        self.storage_limit = bytes;
        self
    }

    /// Whether calls back are answered at all. Default true; slim, which runs a plugin for a single call, never
    /// answers one.
    #[must_use]
    pub const fn call_backs(mut self, answered: bool) -> Self {
        self.call_backs = answered;
        self
    }

    /// Whether lines that are not of the protocol, and `error` events, fail every open call, as slim and serverless
    /// do. Default false: they are recorded, see [`violations`](crate::PluginProcess::violations).
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// How long a call may take. Default 600 s.
    #[must_use]
    pub const fn call_limit(mut self, limit: Duration) -> Self {
        self.call_limit = limit;
        self
    }

    /// How long to look out for messages after the `end` of a call, which then fail it. Default zero: they are only
    /// recorded.
    #[must_use]
    pub const fn linger(mut self, time: Duration) -> Self {
        self.linger = time;
        self
    }

    /// How long to wait for the first heartbeat. Default 120 s.
    #[must_use]
    pub const fn first_heartbeat_limit(mut self, limit: Duration) -> Self {
        self.first_heartbeat = limit;
        self
    }

    /// How long a plugin may write nothing, not even a heartbeat, before it is killed. Default 120 s.
    #[must_use]
    pub const fn silence_limit(mut self, limit: Duration) -> Self {
        self.silence = limit;
        self
    }

    /// The workspace, which upload URLs name.
    #[must_use]
    pub fn tenant_id(mut self, id: impl Into<String>) -> Self {
        self.tenant_id = id.into();
        self
    }

    /// The Dify.
    #[must_use]
    pub fn build(self) -> DifyHost {
        let storage = Mutex::new(Storage::new(self.storage_limit));
        let (stdout_observers, stderr_observers) = Default::default();
        DifyHost(Arc::new(Shared { settings: self, storage, stdout_observers, stderr_observers }))
    }
}
