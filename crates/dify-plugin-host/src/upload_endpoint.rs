//! Where plugins post files, as Dify's `/files/upload/for-plugin` takes them
//! (Dify, `api/controllers/files/upload.py`, `api/core/tools/signature.py`).

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use dify_plugin_protocol::UploadFileRequest;
use dify_plugin_protocol::limits::FILE_URL;
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use url::form_urlencoded;
use uuid::Uuid;

use crate::form_file;
use crate::loopback_server::{LoopbackServer, unreachable_origin};
use crate::observers::Observer;
use crate::signed_url::{Refusal, SecretKey, Signature, Signed, new_nonce};

const PATH: &str = "/files/upload/for-plugin";
/// How long the rest of an upload is read that was refused (nginx: `lingering_time`).
const LINGER: Duration = Duration::from_secs(30);
/// Refusals that are remembered.
const REMEMBERED: usize = 256;

/// Takes uploads over HTTP on 127.0.0.1 and keeps them as tool files. Cheap to clone; stops with the last clone.
#[derive(Clone, Debug)]
pub struct UploadEndpoint(Arc<Endpoint>);

#[derive(Debug)]
struct Endpoint {
    server: LoopbackServer,
    state: Arc<Uploads>,
}

#[derive(Debug)]
struct Uploads {
    key: SecretKey,
    settings: UploadEndpointBuilder,
    fault: Mutex<Option<UploadFault>>,
    files: Mutex<HashMap<String, ToolFile>>,
    refusals: Mutex<Vec<String>>,
}

/// Sets up an [`UploadEndpoint`].
#[derive(Clone, Debug)]
pub struct UploadEndpointBuilder {
    keep: Keep,
    size_limit: u64,
    url_life: Duration,
}

/// Gives the writer that an upload goes to.
type UploadSink = Arc<dyn Fn(&str) -> io::Result<Box<dyn Write + Send>> + Send + Sync>;

#[derive(Clone)]
enum Keep {
    Memory,
    Nothing,
    Sink(UploadSink),
}

impl fmt::Debug for Keep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Memory => "Memory",
            Self::Nothing => "Nothing",
            Self::Sink(_) => "Sink",
        })
    }
}

/// A file that was uploaded, as Dify has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolFile {
    /// Its id, a UUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// The bytes; none when they went to a writer or were not kept.
    pub content: Option<Bytes>,
}

/// What an [`UploadEndpoint`] does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadFault {
    /// Dify could not sign: an empty URL.
    EmptyUrl,
    /// Dify does not know its own address (`FILES_URL` is not set): a URL that starts with `/`.
    RelativeUrl,
    /// An address on which nobody listens (`FILES_URL` is wrong).
    UnreachableUrl,
    /// Every upload is answered with this status, once its head is read.
    Refuse(u16),
    /// Every piece of an upload is read after that time.
    Slow(Duration),
}

impl UploadEndpoint {
    /// Starts one that keeps files in memory and takes any size.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// To set one up.
    #[must_use]
    pub const fn builder() -> UploadEndpointBuilder {
        UploadEndpointBuilder { keep: Keep::Memory, size_limit: u64::MAX, url_life: FILE_URL }
    }

    /// A signed URL for an upload. To be used within 300 s, with exactly that name and media type.
    #[must_use]
    pub fn url_for(&self, request: &UploadFileRequest, tenant_id: &str, user_id: &str) -> String {
        let signed = Signed::Upload { filename: &request.filename, media_type: &request.mimetype, tenant_id, user_id };
        let signature = self.0.state.key.sign(&signed, SystemTime::now(), new_nonce());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("timestamp", &signature.timestamp)
            .append_pair("nonce", &signature.nonce)
            .append_pair("sign", &signature.sign)
            .append_pair("user_id", user_id)
            .append_pair("tenant_id", tenant_id)
            .finish();
        let origin = match self.0.state.fault() {
            Some(UploadFault::EmptyUrl) => return String::new(),
            Some(UploadFault::RelativeUrl) => String::new(),
            Some(UploadFault::UnreachableUrl) => unreachable_origin(),
            _ => self.0.server.origin(),
        };
        format!("{origin}{PATH}?{query}")
    }

    /// Shows every byte that is sent to it to observers, one for each connection from now on.
    pub fn observe_requests(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.0.server.observe_requests(make);
    }

    /// Does something wrong from now on, or nothing any more.
    pub fn set_fault(&self, fault: Option<UploadFault>) {
        *lock(&self.0.state.fault) = fault;
    }

    /// The tool file of that id.
    #[must_use]
    pub fn file(&self, id: &str) -> Option<ToolFile> {
        lock(&self.0.state.files).get(id).cloned()
    }

    /// How many files were taken.
    #[must_use]
    pub fn file_count(&self) -> usize {
        lock(&self.0.state.files).len()
    }

    /// Why uploads were refused, the first 256 reasons. The plugin is told no more than `Invalid request.`
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        lock(&self.0.state.refusals).clone()
    }
}

impl UploadEndpointBuilder {
    /// Keeps names and sizes only, so that memory stays flat.
    #[must_use]
    pub fn keep_nothing(mut self) -> Self {
        self.keep = Keep::Nothing;
        self
    }

    /// Hands the bytes to writers, each made for a file name, so that memory stays flat.
    #[must_use]
    pub fn files_to(
        mut self,
        sink: impl Fn(&str) -> io::Result<Box<dyn Write + Send>> + Send + Sync + 'static,
    ) -> Self {
        self.keep = Keep::Sink(Arc::new(sink));
        self
    }

    /// Answers 413 to files above this many bytes, as a proxy in front of Dify may.
    #[must_use]
    pub const fn size_limit(mut self, bytes: u64) -> Self {
        self.size_limit = bytes;
        self
    }

    /// How long a URL holds, in whole seconds. Default 300 s.
    #[must_use]
    pub const fn url_life(mut self, life: Duration) -> Self {
        self.url_life = life;
        self
    }

    /// Starts the endpoint.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(self) -> io::Result<UploadEndpoint> {
        let state = Arc::new(Uploads {
            key: SecretKey::random(),
            settings: self,
            fault: Mutex::default(),
            files: Mutex::default(),
            refusals: Mutex::default(),
        });
        let router =
            Router::new().route(PATH, post(upload)).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&state));
        let server = LoopbackServer::start(router).await?;
        Ok(UploadEndpoint(Arc::new(Endpoint { server, state })))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Uploads {
    fn fault(&self) -> Option<UploadFault> {
        *lock(&self.fault)
    }
}

#[derive(Debug, Deserialize)]
struct UploadQuery {
    #[serde(flatten)]
    signature: Signature,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    tenant_id: String,
}

/// What the plugin is answered, and what the endpoint remembers.
struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    fn forbidden(reason: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, reason: reason.into() }
    }

    fn bad_request(reason: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: reason.to_string() }
    }
}

async fn upload(
    State(uploads): State<Arc<Uploads>>,
    Query(query): Query<UploadQuery>,
    mut form: Multipart,
) -> Response {
    match take(&uploads, &query, &mut form).await {
        Ok(file) => {
            let extension = extension(&file.name);
            let body = json!({
                "id": file.id,
                "user_id": query.user_id,
                "tenant_id": query.tenant_id,
                "conversation_id": null,
                "file_key": format!("tools/{}/{}{extension}", query.tenant_id, file.id),
                "mimetype": file.media_type,
                "original_url": null,
                "name": file.name,
                "size": file.size,
                "mime_type": file.media_type,
                "extension": extension,
                "source_url": null,
                "preview_url": format!("/files/tools/{}{extension}", file.id),
            });
            lock(&uploads.files).insert(file.id.clone(), file);
            json_response(StatusCode::CREATED, body.to_string())
        }
        Err(Refused { status, reason }) => {
            tracing::debug!(%status, reason, "an upload was refused");
            let mut refusals = lock(&uploads.refusals);
            if refusals.len() < REMEMBERED {
                refusals.push(reason);
            }
            tokio::spawn(timeout(LINGER, read_to_the_end(form)));
            let message = if status == StatusCode::FORBIDDEN { "Invalid request." } else { "The upload failed." };
            let body = json!({"code": "upload_refused", "message": message, "status": status.as_u16()});
            json_response(status, body.to_string())
        }
    }
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// As web servers do after a refusal: one that closes at once may take its answer along.
async fn read_to_the_end(mut form: Multipart) {
    while let Ok(Some(_)) = form.next_field().await {}
}

async fn take(uploads: &Uploads, query: &UploadQuery, form: &mut Multipart) -> Result<ToolFile, Refused> {
    while let Some(field) = form.next_field().await.map_err(Refused::bad_request)? {
        if field.name() == Some("file") {
            return take_file(uploads, query, field).await;
        }
    }
    Err(Refused::bad_request("the form has no field `file`"))
}

async fn take_file(uploads: &Uploads, query: &UploadQuery, mut field: Field<'_>) -> Result<ToolFile, Refused> {
    let disposition = field.headers().get(CONTENT_DISPOSITION).map_or(&[][..], |value| value.as_bytes());
    let name = form_file::file_name(disposition).unwrap_or_default();
    let media_type = field.content_type().unwrap_or_default().to_owned();
    check(uploads, query, &name, &media_type)?;
    if let Some(UploadFault::Refuse(status)) = uploads.fault() {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Err(Refused { status, reason: format!("refused with {status} as told") });
    }

    let mut kept = Vec::new();
    let mut sink = match &uploads.settings.keep {
        Keep::Sink(sink) => Some(sink(&name).map_err(failed_to_keep)?),
        _ => None,
    };
    let mut size = 0_u64;
    while let Some(bytes) = field.chunk().await.map_err(Refused::bad_request)? {
        if let Some(UploadFault::Slow(pause)) = uploads.fault() {
            tokio::time::sleep(pause).await;
        }
        size += bytes.len() as u64;
        if size > uploads.settings.size_limit {
            let reason = format!("more than {} bytes", uploads.settings.size_limit);
            return Err(Refused { status: StatusCode::PAYLOAD_TOO_LARGE, reason });
        }
        match (&mut sink, &uploads.settings.keep) {
            (Some(sink), _) => sink.write_all(&bytes).map_err(failed_to_keep)?,
            (None, Keep::Memory) => kept.extend_from_slice(&bytes),
            (None, _) => {}
        }
    }
    if let Some(mut sink) = sink {
        sink.flush().map_err(failed_to_keep)?;
    }
    let content = matches!(uploads.settings.keep, Keep::Memory).then(|| Bytes::from(kept));
    Ok(ToolFile { id: Uuid::new_v4().to_string(), name, media_type, size, content })
}

/// Name and media type are compared as written: Dify signs over what was asked for and checks over what is posted.
fn check(uploads: &Uploads, query: &UploadQuery, name: &str, media_type: &str) -> Result<(), Refused> {
    if query.tenant_id.is_empty() {
        return Err(Refused::forbidden("the URL names no tenant"));
    }
    if name.is_empty() || media_type.is_empty() {
        return Err(Refused::forbidden("the field has no file name or no media type"));
    }
    // Dify's web framework takes the parameters off, so that such a signature never fits.
    if media_type.contains(';') {
        return Err(Refused::forbidden(format!("media type `{media_type}` has parameters")));
    }
    let signed = Signed::Upload { filename: name, media_type, tenant_id: &query.tenant_id, user_id: &query.user_id };
    uploads.key.verify(&signed, &query.signature, SystemTime::now(), uploads.settings.url_life).map_err(|refusal| {
        Refused::forbidden(match refusal {
            Refusal::Wrong => format!("the URL was not signed for `{name}` of type `{media_type}`"),
            Refusal::Expired => "the URL has expired".to_owned(),
        })
    })
}

fn failed_to_keep(error: io::Error) -> Refused {
    Refused { status: StatusCode::INTERNAL_SERVER_ERROR, reason: format!("cannot keep the file: {error}") }
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map_or_else(|| ".bin".to_owned(), |(_, extension)| format!(".{extension}"))
}
