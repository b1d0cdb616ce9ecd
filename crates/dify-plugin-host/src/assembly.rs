//! Messages and files of one call put together, and what Dify's nodes would say to the whole.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;

use bytes::Bytes;
use dify_plugin_protocol::{BlobChunk, Message, MessageBody};
use serde_json::{Map, Value};

use crate::action::Action;
use crate::call::CallEvent;
use crate::chunk_merger::{ChunkHeader, ChunkMerger};
use crate::decode::{Payload, decode_base64};
use crate::failure::CallFailure;
use crate::host::DifyHost;
use crate::received_file::{Carrier, ReceivedFile, describe, is_dify_file, linked_id};
use crate::request::{FileSink, IncomingFile};
use crate::session::{FileChunk, SessionEvent};

/// How often a file's progress is told, in bytes.
const PROGRESS: u64 = 256 * 1024;

pub(crate) struct Assembly {
    action: Action,
    host: DifyHost,
    sink: Option<FileSink>,
    merger: ChunkMerger,
    unfinished: HashMap<String, Target>,
    files: usize,
    results: usize,
}

/// Where the bytes of a file go.
enum Target {
    Memory(Vec<u8>),
    Writer(Box<dyn Write + Send>),
}

impl fmt::Debug for Assembly {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Assembly").field("action", &self.action).finish_non_exhaustive()
    }
}

impl Assembly {
    pub(crate) fn new(action: Action, host: DifyHost, sink: Option<FileSink>) -> Self {
        let merger = ChunkMerger::new(host.merged_file_limit());
        Self { action, host, sink, merger, unfinished: HashMap::new(), files: 0, results: 0 }
    }

    /// What `event` brings about.
    pub(crate) fn take(&mut self, event: SessionEvent) -> Result<Vec<CallEvent>, CallFailure> {
        match event {
            SessionEvent::Payload(Payload::Message(message)) => self.message(*message),
            SessionEvent::Payload(Payload::Result(result)) => {
                self.results += 1;
                if self.results > 1 && !matches!(self.action, Action::Other { .. }) {
                    return Err(CallFailure::SeveralResults);
                }
                Ok(vec![CallEvent::Result(result)])
            }
            SessionEvent::Chunk(chunk) => self.chunk(chunk).map(|event| event.into_iter().collect()),
            SessionEvent::CalledBack(kind) => Ok(vec![CallEvent::CalledBack(kind)]),
            SessionEvent::End => Ok(Vec::new()),
        }
    }

    /// What is wrong with the answer as a whole.
    pub(crate) fn finish(&self) -> Result<(), CallFailure> {
        self.merger.finish()?;
        match self.action {
            Action::DownloadFile if self.files == 0 => Err(CallFailure::NoFile),
            Action::InvokeTool | Action::DownloadFile | Action::Other { .. } => Ok(()),
            _ if self.results == 0 => Err(CallFailure::NoResult),
            _ => Ok(()),
        }
    }

    fn message(&mut self, message: Message) -> Result<Vec<CallEvent>, CallFailure> {
        let Message { body, meta } = message;
        match body {
            MessageBody::Blob { blob } => {
                let meta = meta.unwrap_or_default();
                let bytes = decode_base64(&blob)?;
                let incoming = IncomingFile { id: String::new(), total_length: bytes.len() as u64 };
                let size = incoming.total_length;
                let mut target = self.target(&incoming)?;
                target.write(bytes)?;
                Ok(vec![CallEvent::File(self.file(target, size, Carrier::Blob, meta)?)])
            }
            MessageBody::BlobChunk(_) if self.action == Action::DownloadFile => Err(CallFailure::ChunksFromDatasource),
            MessageBody::BlobChunk(BlobChunk { id, sequence, total_length, blob, end }) => {
                let bytes = decode_base64(&blob)?;
                let event = self.chunk(FileChunk { id, sequence, total_length, bytes, end, meta })?;
                Ok(event.into_iter().collect())
            }
            body => {
                let message = Message { body, meta };
                let file = self.linked_file(&message)?;
                let file = file.map(CallEvent::File);
                Ok([Some(CallEvent::Message(message)), file].into_iter().flatten().collect())
            }
        }
    }

    fn chunk(&mut self, chunk: FileChunk) -> Result<Option<CallEvent>, CallFailure> {
        let FileChunk { id, sequence, total_length, bytes, end, meta } = chunk;
        let length = bytes.len();
        let progress = self.merger.add(ChunkHeader { id: &id, sequence, total_length, length, end })?;
        if progress.first {
            let target = self.target(&IncomingFile { id: id.clone(), total_length })?;
            self.unfinished.insert(id.clone(), target);
        }
        if let Some(target) = self.unfinished.get_mut(&id) {
            target.write(bytes)?;
        }
        let received = progress.received;
        if progress.complete
            && let Some(target) = self.unfinished.remove(&id)
        {
            let file = self.file(target, received, Carrier::Chunks, meta.unwrap_or_default())?;
            return Ok(Some(CallEvent::File(file)));
        }
        let told = progress.first || received / PROGRESS != received.saturating_sub(length as u64) / PROGRESS;
        Ok(told.then_some(CallEvent::Progress { file: id, received, total: total_length }))
    }

    fn target(&self, incoming: &IncomingFile) -> Result<Target, CallFailure> {
        match &self.sink {
            None => Ok(Target::Memory(Vec::new())),
            Some(sink) => sink(incoming).map(Target::Writer).map_err(|error| sink_failure(&error)),
        }
    }

    fn file(
        &mut self,
        target: Target,
        size: u64,
        carrier: Carrier,
        meta: Map<String, Value>,
    ) -> Result<ReceivedFile, CallFailure> {
        let (name, media_type) = describe(&self.action, &meta)?;
        let content = target.finish()?;
        self.count_file()?;
        Ok(ReceivedFile { name, media_type, size, carrier, meta, content })
    }

    /// The file that a link names. A plain link may lead anywhere; the other kinds must name a file of Dify's.
    fn linked_file(&mut self, message: &Message) -> Result<Option<ReceivedFile>, CallFailure> {
        let link = match &message.body {
            MessageBody::BinaryLink(link) | MessageBody::ImageLink(link) => &link.text,
            MessageBody::Link(link) if self.action == Action::InvokeTool && is_dify_file(&link.text) => &link.text,
            _ => return Ok(None),
        };
        let meta = message.meta.clone().unwrap_or_default();
        let id = linked_id(&self.action, link, &meta);
        let Some(file) = self.host.uploads().and_then(|uploads| uploads.file(id)) else {
            return Err(CallFailure::UnknownFile { link: link.clone(), id: id.to_owned() });
        };
        self.count_file()?;
        Ok(Some(ReceivedFile {
            name: Some(file.name),
            media_type: Some(file.media_type),
            size: file.size,
            carrier: Carrier::Link,
            meta,
            content: file.content,
        }))
    }

    fn count_file(&mut self) -> Result<(), CallFailure> {
        self.files += 1;
        if self.files > 1 && self.action == Action::DownloadFile { Err(CallFailure::SeveralFiles) } else { Ok(()) }
    }
}

impl Target {
    fn write(&mut self, bytes: Vec<u8>) -> Result<(), CallFailure> {
        match self {
            Self::Memory(kept) if kept.is_empty() => *kept = bytes,
            Self::Memory(kept) => kept.extend_from_slice(&bytes),
            Self::Writer(writer) => writer.write_all(&bytes).map_err(|error| sink_failure(&error))?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Option<Bytes>, CallFailure> {
        match self {
            Self::Memory(kept) => Ok(Some(kept.into())),
            Self::Writer(mut writer) => {
                writer.flush().map_err(|error| sink_failure(&error))?;
                Ok(None)
            }
        }
    }
}

fn sink_failure(error: &std::io::Error) -> CallFailure {
    CallFailure::Sink { reason: error.to_string() }
}
