//! A file's way into Dify, whichever can carry it.

use bytes::Bytes;
use dify_plugin_protocol::limits::MAX_PLUGIN_LINE;
use dify_plugin_protocol::{Message, MessageBody, PluginLine, SessionMessage, Text, UploadedFile};
use futures_util::StreamExt;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::blob_chunks::{BlobChunks, append_base64};
use super::carrier::{Capacity, Carrier};
use crate::backwards::{self, UploadFailure};
use crate::error::Surface;
use crate::session::Session;
use crate::{Error, OutgoingFile};

/// Chunk lines are handed on when they are about this long together.
const BATCH: usize = 64 * 1024;

/// Room for the lines of a batch of usual names, so that they do not move while they grow. Below the size from which
/// glibc's allocator asks the system for every piece anew.
const BATCH_LINES: usize = 112 * 1024;

pub(super) async fn send(session: &Session, file: OutgoingFile) -> Result<(), Error> {
    let meta = meta(session.surface, &file);
    let blob = BlobLine::around(session, meta.as_ref())?;
    let capacity = Capacity { chunks: session.shared.merged_file_limit, blob: blob.capacity() };
    match Carrier::choose(session.surface, file.length, capacity) {
        Carrier::Chunks => as_chunks(session, file, meta.as_ref()).await,
        Carrier::Blob => as_blob(session, file, blob).await,
        Carrier::Upload => as_upload(session, file, capacity, meta).await,
        Carrier::Spool(most) => after_a_look_ahead(session, file, most, capacity, blob, meta).await,
    }
}

/// Tools say `filename` and datasources `file_name`.
fn meta(surface: Surface, file: &OutgoingFile) -> Option<Map<String, Value>> {
    if file.name.is_none() && file.media_type.is_none() {
        return None;
    }
    let mut meta = Map::new();
    meta.insert("mime_type".to_owned(), file.dify_media_type().into());
    if let Some(name) = &file.name {
        let key = match surface {
            Surface::Tool => "filename",
            Surface::Datasource => "file_name",
        };
        meta.insert(key.to_owned(), name.as_str().into());
    }
    Some(meta)
}

async fn as_chunks(session: &Session, file: OutgoingFile, meta: Option<&Map<String, Value>>) -> Result<(), Error> {
    let mut has_begun = false;
    let outcome = send_chunks(session, file, meta, &mut has_begun).await;
    if let Err(error) = &outcome
        && has_begun
    {
        session.break_file(error);
    }
    outcome
}

async fn send_chunks(
    session: &Session,
    mut file: OutgoingFile,
    meta: Option<&Map<String, Value>>,
    has_begun: &mut bool,
) -> Result<(), Error> {
    let wrong_length = |wrong, label: &str| Error::failed(format!("{label} is {wrong}"));
    let id = Uuid::new_v4().simple().to_string();
    let mut chunks = BlobChunks::new(&session.id, &id, file.length.unwrap_or_default(), meta);
    let mut lines = Vec::new();
    while let Some(bytes) = file.content.next().await {
        for piece in bytes?.chunks(BATCH) {
            if lines.is_empty() {
                lines = session.way.buffer();
                lines.reserve(BATCH_LINES);
            }
            chunks.push(piece, &mut lines).map_err(|wrong| wrong_length(wrong, file.label()))?;
            if lines.len() >= BATCH {
                *has_begun = true;
                session.send(std::mem::take(&mut lines)).await?;
            }
        }
    }
    chunks.finish(&mut lines).map_err(|wrong| wrong_length(wrong, file.label()))?;
    session.send(lines).await
}

async fn as_blob(session: &Session, mut file: OutgoingFile, blob: BlobLine) -> Result<(), Error> {
    let length = file.length.unwrap_or_default();
    let mut blob = blob.open(length);
    let mut known = 0;
    while let Some(bytes) = file.content.next().await {
        let bytes = bytes?;
        known += bytes.len() as u64;
        if known > length {
            return Err(Error::failed(format!("{} is longer than the {length} bytes announced", file.label())));
        }
        blob.push(&bytes);
    }
    if known < length {
        return Err(Error::failed(format!("{} ended after {known} of {length} bytes", file.label())));
    }
    session.send(blob.close()).await
}

async fn as_upload(
    session: &Session,
    file: OutgoingFile,
    capacity: Capacity,
    meta: Option<Map<String, Value>>,
) -> Result<(), Error> {
    let label = file.label().to_owned();
    let size = file.length.map_or_else(|| "of unknown length".to_owned(), |length| format!("of {length} bytes"));
    let uploaded = backwards::upload(session, file).await.map_err(|failure| match failure {
        UploadFailure::Source(error) => error,
        UploadFailure::NoAddress { error, .. } | UploadFailure::Refused(error) => {
            let too_large = match session.surface {
                Surface::Tool => {
                    format!("Dify takes {} bytes from a tool directly (PLUGIN_MAX_FILE_SIZE)", capacity.chunks)
                }
                Surface::Datasource => format!("Dify takes {} bytes from a datasource directly", capacity.blob),
            };
            Error::failed(format!("{label} {size} was not delivered. {too_large}; above that: {error}"))
        }
    })?;
    link(session, uploaded, &label, meta).await
}

/// The message that points at an uploaded file. Older Dify versions read the id from the path, newer ones from `meta`.
async fn link(
    session: &Session,
    uploaded: UploadedFile,
    name: &str,
    meta: Option<Map<String, Value>>,
) -> Result<(), Error> {
    let mut meta = meta.unwrap_or_default();
    let is_image = meta.get("mime_type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("image/"));
    meta.insert("tool_file_id".to_owned(), uploaded.id.as_str().into());
    let extension = uploaded.extension.filter(|extension| extension.starts_with('.'));
    let extension = extension.or_else(|| name.rsplit_once('.').map(|(_, extension)| format!(".{extension}")));
    let extension = extension.unwrap_or_else(|| ".bin".to_owned());
    let id = uploaded.id;
    let body = match session.surface {
        Surface::Tool if is_image => MessageBody::ImageLink(Text { text: format!("/files/tools/{id}{extension}") }),
        Surface::Tool => MessageBody::BinaryLink(Text { text: format!("/files/tools/{id}{extension}") }),
        // Dify 1.9 takes no other kind of link from a drive, pictures included.
        Surface::Datasource => MessageBody::BinaryLink(Text { text: format!("/files/datasources/{id}{extension}") }),
    };
    session.stream(&Message { body, meta: Some(meta) }).await
}

async fn after_a_look_ahead(
    session: &Session,
    mut file: OutgoingFile,
    most: u64,
    capacity: Capacity,
    blob: BlobLine,
    meta: Option<Map<String, Value>>,
) -> Result<(), Error> {
    let mut read = Vec::new();
    let ended = read_up_to(&mut file, &mut read, most).await?;
    if !ended {
        match backwards::upload(session, file.unread(Bytes::from(std::mem::take(&mut read)))).await {
            Ok(uploaded) => {
                let name = meta.as_ref().and_then(|meta| meta.get("filename").or_else(|| meta.get("file_name")));
                let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
                return link(session, uploaded, &name, meta).await;
            }
            // Nothing to upload to, and nothing lost: what Dify merges may still be enough.
            Err(UploadFailure::NoAddress { error, file: untouched }) => {
                file = untouched;
                let direct = match session.surface {
                    Surface::Tool => capacity.chunks,
                    Surface::Datasource => capacity.blob,
                };
                if !read_up_to(&mut file, &mut read, direct).await? {
                    return Err(Error::failed(format!(
                        "{} is larger than the {direct} bytes that Dify takes directly, and could not be uploaded: {error}",
                        file.label()
                    )));
                }
            }
            Err(failure) => return Err(failure.into_error()),
        }
    }
    let length = read.len() as u64;
    let file = file.unread(Bytes::from(read)).length(length);
    match session.surface {
        Surface::Tool => as_chunks(session, file, meta.as_ref()).await,
        Surface::Datasource => as_blob(session, file, blob).await,
    }
}

/// Reads until the file ends, or until `read` holds more than `most` bytes. Says whether it ended.
async fn read_up_to(file: &mut OutgoingFile, read: &mut Vec<u8>, most: u64) -> Result<bool, Error> {
    while read.len() as u64 <= most {
        match file.content.next().await {
            Some(bytes) => read.extend_from_slice(&bytes?),
            None => return Ok(true),
        }
    }
    Ok(false)
}

/// The one line of a datasource's file: everything but the bytes.
struct BlobLine {
    before: String,
    after: String,
}

impl BlobLine {
    fn around(session: &Session, meta: Option<&Map<String, Value>>) -> Result<Self, Error> {
        const MARK: &str = "\"blob\":\"";
        let message = Message { body: MessageBody::Blob { blob: String::new() }, meta: meta.cloned() };
        let line = PluginLine::Session { session_id: session.id.clone(), data: SessionMessage::Stream(message) };
        let line = serde_json::to_string(&line).map_err(|error| Error::failed(error.to_string()))?;
        // The session id comes before the mark and may hold its letters; a quote in it is escaped, so the mark is not.
        let blob = line.find(MARK).map(|at| at + MARK.len());
        let (before, after) = line.split_at(blob.unwrap_or(line.len()));
        Ok(Self { before: before.to_owned(), after: format!("{after}\n") })
    }

    /// Bytes of a file, before base64, that fit.
    fn capacity(&self) -> u64 {
        let around = self.before.len() + self.after.len() - "\n".len();
        (MAX_PLUGIN_LINE.saturating_sub(around) / 4 * 3) as u64
    }

    fn open(self, length: u64) -> OpenBlobLine {
        let base64 = usize::try_from(length.div_ceil(3) * 4).unwrap_or_default();
        let mut line = Vec::with_capacity(self.before.len() + base64 + self.after.len());
        line.extend_from_slice(self.before.as_bytes());
        OpenBlobLine { line, after: self.after, rest: Vec::new() }
    }
}

/// The line while its bytes arrive. They are encoded at once, so that a file is in memory only once.
struct OpenBlobLine {
    line: Vec<u8>,
    after: String,
    /// Up to two bytes that do not yet make a group of base64.
    rest: Vec<u8>,
}

impl OpenBlobLine {
    fn push(&mut self, mut bytes: &[u8]) {
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(3 - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() < 3 {
                return;
            }
            append_base64(&self.rest, &mut self.line);
            self.rest.clear();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % 3);
        append_base64(whole, &mut self.line);
        self.rest.extend_from_slice(rest);
    }

    fn close(mut self) -> Vec<u8> {
        append_base64(&self.rest, &mut self.line);
        self.line.extend_from_slice(self.after.as_bytes());
        self.line
    }
}
