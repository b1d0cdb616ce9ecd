//! Starting and stopping a server.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use indexmap::IndexMap;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

use crate::application::{Application, Settings};
use crate::events::EventHub;
use crate::faults::Faults;
use crate::node::{Files, Node};
use crate::nodes::AssetDownloader;
use crate::observers::{Observer, Observers};
use crate::registry::Registry;
use crate::storage::{DEFAULT_MEMORY_LIMIT, Folder, Storage, StorageError, path_inside};
use crate::templates::Templates;
use crate::transport::{Plug, PluggedListener};
use crate::user_data::{DEFAULT_USER, UserData, path_of};
use crate::{routes, worker};

/// A sampler step, unless the builder says otherwise.
const DEFAULT_STEP_DELAY: Duration = Duration::from_millis(2);

/// How long answers that are under way may take when the server stops.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port could not be had.
    #[error("could not listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// The folders could not be opened.
    #[error("could not open the data directory: {0}")]
    Storage(#[from] StorageError),
    /// The worker thread could not be started.
    #[error("could not start the worker thread: {0}")]
    Worker(io::Error),
    /// The prefix is no path.
    #[error("the path prefix {0:?} must begin with / and must not contain braces")]
    Prefix(String),
}

/// Settings of a server that is to be started. [`ComfyUiEmulator::builder`] makes one.
#[must_use]
pub struct ComfyUiEmulatorBuilder {
    bearer_token: Option<SecretString>,
    path_prefix: String,
    data_dir: Option<PathBuf>,
    memory_limit: u64,
    step_delay: Duration,
    node_delay: Duration,
    previews: bool,
    port: u16,
    nodes: Vec<Arc<dyn Node>>,
    multi_user: bool,
    examples: IndexMap<(String, String), Bytes>,
}

impl ComfyUiEmulatorBuilder {
    /// Every HTTP request and every WebSocket handshake then needs `Authorization: Bearer token`;
    /// others are answered 401. ComfyUI itself has no such thing: this is a gateway before it.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Some(SecretString::from(token.into()));
        self
    }

    /// Serves everything below this path, as behind a gateway: `"/comfy"`.
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = prefix.into();
        self
    }

    /// Keeps `input/`, `output/` and `temp/` in this directory and not in memory. `temp/` is
    /// emptied at the start, as ComfyUI does.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(directory.into());
        self
    }

    /// How many bytes of files memory may hold, 1 GiB unless said otherwise.
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// How long a sampler step takes, 2 ms unless said otherwise.
    pub fn step_delay(mut self, delay: Duration) -> Self {
        self.step_delay = delay;
        self
    }

    /// How long a node takes besides its work, nothing unless said otherwise.
    pub fn node_delay(mut self, delay: Duration) -> Self {
        self.node_delay = delay;
        self
    }

    /// Whether samplers send pictures on their way when the prompt does not say
    /// (`extra_data.preview_method`): yes, unless said otherwise, as a server that was started
    /// with `--preview-method auto`.
    pub fn previews(mut self, previews: bool) -> Self {
        self.previews = previews;
        self
    }

    /// The port on 127.0.0.1; a free one if 0, which is the default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Adds a node class, as a custom node does. One with the name of another takes its place.
    pub fn node(mut self, node: impl Node) -> Self {
        self.nodes.push(Arc::new(node));
        self
    }

    /// Adds the node `AssetDownloader`, as on a server with the custom nodes `comfy-asset-downloader`. It fetches from
    /// this machine only, and keeps nothing but the names of the files.
    pub fn asset_downloader(self) -> Self {
        self.node(AssetDownloader)
    }

    /// Keeps the files of users apart, as a server that was started with `--multi-user`. There is nobody at first:
    /// [`ComfyUiEmulator::add_user`].
    pub fn multi_user(mut self) -> Self {
        self.multi_user = true;
        self
    }

    /// Adds an example workflow of a pack of custom nodes, as from its folder `example_workflows`.
    pub fn example_workflow(
        mut self,
        pack: impl Into<String>,
        name: impl Into<String>,
        json: impl Into<Bytes>,
    ) -> Self {
        self.examples.insert((pack.into(), name.into()), json.into());
        self
    }

    /// Starts the server. It must be called on a tokio runtime.
    ///
    /// # Errors
    ///
    /// If the port, the data directory or a thread cannot be had, or the prefix is no path.
    pub async fn start(self) -> Result<ComfyUiEmulator, StartError> {
        let prefix = clean_prefix(&self.path_prefix)?;
        let storage = match &self.data_dir {
            Some(directory) => Storage::on_disk(directory)?,
            None => Storage::in_memory(self.memory_limit),
        };
        let listener = TcpListener::bind(("127.0.0.1", self.port))
            .await
            .map_err(|source| StartError::Listen { port: self.port, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { port: self.port, source })?;

        let faults = Faults::default();
        let registry = Registry::new(self.nodes, &Files(&storage));
        let (events, receiver) = EventHub::new();
        let settings = Settings {
            bearer_token: self.bearer_token,
            step_delay: self.step_delay,
            node_delay: self.node_delay,
            previews: self.previews,
        };
        let user_data = UserData::new(self.multi_user);
        let templates = Templates::new(self.examples);
        let application = Application::new(settings, storage, registry, user_data, templates, events, faults.clone());
        let application = Arc::new(application);

        let for_worker = Arc::clone(&application);
        let worker = thread::Builder::new()
            .name("comfyui-worker".to_owned())
            .spawn(move || worker::run(&for_worker))
            .map_err(StartError::Worker)?;

        let hub = Arc::clone(&application.events);
        let publisher = tokio::spawn(async move { hub.publish(receiver).await });

        let routes = routes::router(&application);
        let routes = if prefix.is_empty() { routes } else { Router::new().nest(&prefix, routes) };
        let (stop, stopped) = oneshot::channel::<()>();
        let observers = Observers::default();
        let listener = PluggedListener { listener, faults, observers: observers.clone() };
        let server = axum::serve(listener, routes.into_make_service_with_connect_info::<Plug>())
            .with_graceful_shutdown(async move {
                // Dropping the sender stops the server as well.
                let _ = stopped.await;
            });
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the emulator stopped serving");
            }
        });
        Ok(ComfyUiEmulator {
            url: format!("http://{address}{prefix}"),
            application,
            observers,
            stop: Some(stop),
            server: Some(server),
            publisher: publisher.abort_handle(),
            worker: Some(worker),
        })
    }
}

impl fmt::Debug for ComfyUiEmulatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComfyUiEmulatorBuilder")
            .field("bearer_token", &self.bearer_token)
            .field("path_prefix", &self.path_prefix)
            .field("data_dir", &self.data_dir)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn clean_prefix(prefix: &str) -> Result<String, StartError> {
    let clean = prefix.trim_end_matches('/');
    if clean.is_empty() {
        return Ok(String::new());
    }
    if !clean.starts_with('/') || clean.contains(['{', '}', '*', '?', '#', ' ']) {
        return Err(StartError::Prefix(prefix.to_owned()));
    }
    Ok(clean.to_owned())
}

/// A running server. Dropping it stops it and closes every connection.
pub struct ComfyUiEmulator {
    url: String,
    application: Arc<Application>,
    observers: Observers,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    publisher: AbortHandle,
    worker: Option<thread::JoinHandle<()>>,
}

impl ComfyUiEmulator {
    /// The settings of a new server.
    pub fn builder() -> ComfyUiEmulatorBuilder {
        ComfyUiEmulatorBuilder {
            bearer_token: None,
            path_prefix: String::new(),
            data_dir: None,
            memory_limit: DEFAULT_MEMORY_LIMIT,
            step_delay: DEFAULT_STEP_DELAY,
            node_delay: Duration::ZERO,
            previews: true,
            port: 0,
            nodes: Vec::new(),
            multi_user: false,
            examples: IndexMap::new(),
        }
    }

    /// `http://127.0.0.1:PORT`, and the path prefix if there is one; no slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Shows every byte that clients send to observers, one for each connection from now on.
    pub fn observe_requests(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.observers.set(make);
    }

    /// The switches with which a test makes this server fail.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.application.faults
    }

    /// Puts a file into a folder, over an older one if there is one. `path` may have
    /// subfolders: `"a/b.png"`.
    ///
    /// # Errors
    ///
    /// If the path leaves the folder or there is no room.
    pub fn put_file(&self, folder: Folder, path: &str, bytes: impl Into<Bytes>) -> Result<(), StorageError> {
        let clean = path_inside(folder, path)
            .ok_or_else(|| StorageError::Outside { folder: folder.name(), path: path.to_owned() })?;
        self.application.storage.write(folder, &clean, bytes.into())
    }

    /// Puts a file into `input`, as an upload would.
    ///
    /// # Errors
    ///
    /// If the path leaves the folder or there is no room.
    pub fn put_input(&self, path: &str, bytes: impl Into<Bytes>) -> Result<(), StorageError> {
        self.put_file(Folder::Input, path, bytes)
    }

    /// The bytes of a file; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the disk cannot be read.
    pub fn file(&self, folder: Folder, path: &str) -> Result<Option<Bytes>, StorageError> {
        Ok(self.application.storage.read(folder, path)?.map(|file| file.bytes))
    }

    /// Removes a file, as a user of the server's disk could; whether there was one.
    pub fn remove_file(&self, folder: Folder, path: &str) -> bool {
        self.application.storage.remove(folder, path)
    }

    /// The paths of all files in a folder, sorted.
    #[must_use]
    pub fn file_names(&self, folder: Folder) -> Vec<String> {
        self.application.storage.all(folder)
    }

    /// The paths of all files in `output`, sorted.
    #[must_use]
    pub fn output_names(&self) -> Vec<String> {
        self.file_names(Folder::Output)
    }

    /// Adds a user to a server that keeps them apart; their id. `None` if there is one of that name, or it is none.
    #[must_use]
    pub fn add_user(&self, name: &str) -> Option<String> {
        self.application.user_data.add_user(name).ok()
    }

    /// Saves a workflow as the editor does: `path` is that below the folder of workflows, `"a/b.json"`. `user` is an id
    /// on a server that keeps users apart. Whether there was room, and the path is one.
    #[must_use]
    pub fn save_workflow(&self, user: Option<&str>, path: &str, json: impl Into<Bytes>) -> bool {
        // A % would be decoded.
        let path = path_of(&format!("workflows/{path}").replace('%', "%25"));
        path.is_some_and(|path| self.application.user_data.write(user.unwrap_or(DEFAULT_USER), &path, json.into()))
    }

    /// The model files of a folder, `"checkpoints"` say, sorted.
    #[must_use]
    pub fn models(&self, folder: &str) -> Vec<String> {
        self.application.storage.models.in_folder(folder)
    }

    /// Stops the server: nothing new is accepted, WebSockets are dropped without a close frame
    /// as ComfyUI does, answers under way get two seconds, the running node is asked to stop.
    pub async fn stop(mut self) {
        self.application.queue.close();
        drop(self.stop.take());
        self.application.stopping.cancel();
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(STOP_DEADLINE, &mut server).await.is_err()
        {
            self.application.faults.drop_connections();
            server.abort();
        }
        if let Some(worker) = self.worker.take() {
            // A panic on the worker was printed when it happened.
            let _ = tokio::task::spawn_blocking(move || worker.join()).await;
        }
    }
}

impl Drop for ComfyUiEmulator {
    fn drop(&mut self) {
        self.application.queue.close();
        drop(self.stop.take());
        self.publisher.abort();
        if let Some(server) = self.server.take() {
            server.abort();
        }
        self.application.faults.drop_connections();
    }
}

impl fmt::Debug for ComfyUiEmulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComfyUiEmulator").field("url", &self.url).finish_non_exhaustive()
    }
}
