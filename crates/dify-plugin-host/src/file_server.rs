//! Files that users gave to Dify, served to plugins at signed URLs (Dify, `api/core/file/helpers.py`).

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use dify_plugin_protocol::limits::FILE_URL;
use dify_plugin_protocol::{FileParameter, FileType};
use futures_util::stream;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use crate::loopback_server::LoopbackServer;
use crate::observers::Observer;
use crate::signed_url::{SecretKey, Signature, Signed, new_nonce};

/// How much of a file is sent at once.
const PIECE: u64 = 64 * 1024;
/// How long a connection lives on before it is cut.
const BEFORE_CUT: Duration = Duration::from_millis(50);

/// Serves files over HTTP on 127.0.0.1. Cheap to clone; stops with the last clone.
#[derive(Clone, Debug)]
pub struct FileServer(Arc<Server>);

#[derive(Debug)]
struct Server {
    http: LoopbackServer,
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    key: SecretKey,
    url_life: Duration,
    files: Mutex<HashMap<String, Arc<ServedFile>>>,
    fault: Mutex<Option<FileFault>>,
}

/// A file to be served.
#[derive(Debug)]
struct ServedFile {
    name: String,
    media_type: String,
    content: FileContent,
}

/// Fills a piece of a file, given where in the file it starts.
pub type Fill = Arc<dyn Fn(u64, &mut [u8]) + Send + Sync>;

/// The bytes of a served file.
#[derive(Clone)]
#[non_exhaustive]
pub enum FileContent {
    /// In memory.
    Bytes(Bytes),
    /// Made while they are sent, so that a large file needs no memory.
    Generated {
        /// How many.
        length: u64,
        /// Fills a piece, given where in the file it starts.
        fill: Fill,
    },
}

/// A file of a [`FileServer`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileId(String);

/// What a [`FileServer`] does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// Every download is answered with this status.
    Status(u16),
    /// Every piece of 64 KiB comes after that time.
    Slow(Duration),
    /// The connection breaks after that many bytes.
    CutAfter(u64),
}

impl FileContent {
    /// Bytes made while they are sent.
    pub fn generated(length: u64, fill: impl Fn(u64, &mut [u8]) + Send + Sync + 'static) -> Self {
        Self::Generated { length, fill: Arc::new(fill) }
    }

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Generated { length, .. } => *length,
        }
    }

    /// Up to `length` bytes from `start` on, which is within the file.
    fn piece(&self, start: u64, length: u64) -> Bytes {
        let length = length.min(self.length().saturating_sub(start));
        let size = usize::try_from(length).unwrap_or_default();
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
                bytes.slice(start..start.saturating_add(size).min(bytes.len()))
            }
            Self::Generated { fill, .. } => {
                let mut piece = vec![0; size];
                fill(start, &mut piece);
                piece.into()
            }
        }
    }
}

impl fmt::Debug for FileContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileContent({} bytes)", self.length())
    }
}

impl From<Vec<u8>> for FileContent {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl FileServer {
    /// Starts one whose URLs hold for 300 s.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(FILE_URL).await
    }

    /// Starts one whose URLs hold for `url_life`, in whole seconds.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start_with(url_life: Duration) -> io::Result<Self> {
        let files =
            Arc::new(Files { key: SecretKey::random(), url_life, files: Mutex::default(), fault: Mutex::default() });
        let router = Router::new().route("/files/{id}/file-preview", get(serve)).with_state(Arc::clone(&files));
        Ok(Self(Arc::new(Server { http: LoopbackServer::start(router).await?, files })))
    }

    /// Adds a file.
    pub fn add(
        &self,
        name: impl Into<String>,
        media_type: impl Into<String>,
        content: impl Into<FileContent>,
    ) -> FileId {
        let id = Uuid::new_v4().to_string();
        let file = ServedFile { name: name.into(), media_type: media_type.into(), content: content.into() };
        lock(&self.0.files.files).insert(id.clone(), Arc::new(file));
        FileId(id)
    }

    /// Shows every byte that is sent to it to observers, one for each connection from now on.
    pub fn observe_requests(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.0.http.observe_requests(make);
    }

    /// Does something wrong from now on, or nothing any more.
    pub fn set_fault(&self, fault: Option<FileFault>) {
        *lock(&self.0.files.fault) = fault;
    }

    /// A fresh signed URL.
    #[must_use]
    pub fn url_of(&self, file: &FileId) -> String {
        let signed = Signed::Preview { file_id: &file.0 };
        let signature = self.0.files.key.sign(&signed, SystemTime::now(), new_nonce());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("timestamp", &signature.timestamp)
            .append_pair("nonce", &signature.nonce)
            .append_pair("sign", &signature.sign)
            .finish();
        format!("{}/files/{}/file-preview?{query}", self.0.http.origin(), file.0)
    }

    /// The file as a parameter of a tool, with a fresh URL. None for a file of another server.
    #[must_use]
    pub fn parameter(&self, file: &FileId) -> Option<FileParameter> {
        let served = lock(&self.0.files.files).get(&file.0).cloned()?;
        Some(FileParameter {
            dify_model_identity: "__dify__file__".to_owned(),
            url: self.url_of(file),
            mime_type: Some(served.media_type.clone()),
            filename: Some(served.name.clone()),
            extension: served.name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")),
            size: Some(served.content.length()),
            r#type: file_type(&served.media_type),
        })
    }

    /// The same as JSON, to be put into `tool_parameters`. Null for a file of another server.
    #[must_use]
    pub fn parameter_json(&self, file: &FileId) -> Value {
        self.parameter(file).and_then(|file| serde_json::to_value(file).ok()).unwrap_or_default()
    }
}

/// What Dify takes a file for, by its media type.
fn file_type(media_type: &str) -> FileType {
    match media_type.split('/').next() {
        Some("image") => FileType::Image,
        Some("audio") => FileType::Audio,
        Some("video") => FileType::Video,
        Some("text" | "application") => FileType::Document,
        _ => FileType::Custom,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(
    State(files): State<Arc<Files>>,
    Path(id): Path<String>,
    Query(signature): Query<Signature>,
) -> Response {
    let signed = Signed::Preview { file_id: &id };
    if files.key.verify(&signed, &signature, SystemTime::now(), files.url_life).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(file) = lock(&files.files).get(&id).cloned() else { return StatusCode::NOT_FOUND.into_response() };
    let fault = *lock(&files.fault);
    if let Some(FileFault::Status(status)) = fault {
        return StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    }
    let headers = [(CONTENT_TYPE, file.media_type.clone()), (CONTENT_LENGTH, file.content.length().to_string())];
    (headers, Body::from_stream(pieces(file, fault))).into_response()
}

fn pieces(
    file: Arc<ServedFile>,
    fault: Option<FileFault>,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(0, move |sent| {
        let file = Arc::clone(&file);
        async move {
            let mut length = PIECE;
            match fault {
                Some(FileFault::Slow(pause)) => tokio::time::sleep(pause).await,
                Some(FileFault::CutAfter(limit)) if sent >= limit => {
                    // What was sent would otherwise be thrown away with the connection.
                    tokio::time::sleep(BEFORE_CUT).await;
                    return Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut as told"));
                }
                Some(FileFault::CutAfter(limit)) => length = length.min(limit - sent),
                _ => {}
            }
            let piece = file.content.piece(sent, length);
            let after = sent + piece.len() as u64;
            Ok((!piece.is_empty()).then_some((piece, after)))
        }
    })
}
