//! A tool's file as `blob_chunk` lines, built without intermediate strings: this is the path that large files take.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::PAD;
use dify_plugin_protocol::limits::BLOB_CHUNK;
use serde_json::{Map, Value};

/// Standard base64 with padding, by vector instructions where the processor has them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::standard(PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, PAD));

/// Cuts a file of known length into the lines that Dify merges again.
#[derive(Debug)]
pub(crate) struct BlobChunks {
    before_sequence: String,
    before_blob: String,
    after_blob: String,
    after_last: String,
    sequence: u64,
    sent: u64,
    total_length: u64,
    /// Less than a chunk, waiting for more.
    rest: Vec<u8>,
}

/// The file is not as long as was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} than the {announced} bytes announced", if *longer { "longer" } else { "shorter" })]
pub(crate) struct WrongLength {
    pub(crate) announced: u64,
    pub(crate) longer: bool,
}

impl BlobChunks {
    /// `id` tells files within a call apart.
    pub(crate) fn new(session_id: &str, id: &str, total_length: u64, meta: Option<&Map<String, Value>>) -> Self {
        let meta = meta.map_or_else(|| "null".to_owned(), |meta| Value::Object(meta.clone()).to_string());
        let session_id = Value::from(session_id);
        let id = Value::from(id);
        Self {
            before_sequence: format!(
                r#"{{"event":"session","session_id":{session_id},"data":{{"type":"stream","data":{{"type":"blob_chunk","message":{{"id":{id},"sequence":"#
            ),
            before_blob: format!(r#","total_length":{total_length},"blob":""#),
            after_blob: format!("\",\"end\":false}},\"meta\":{meta}}}}}}}\n"),
            after_last: format!("\",\"end\":true}},\"meta\":{meta}}}}}}}\n"),
            sequence: 0,
            sent: 0,
            total_length,
            rest: Vec::new(),
        }
    }

    /// Appends the lines that `bytes` complete to `lines`.
    pub(crate) fn push(&mut self, mut bytes: &[u8], lines: &mut Vec<u8>) -> Result<(), WrongLength> {
        let known = self.sent + self.rest.len() as u64 + bytes.len() as u64;
        if known > self.total_length {
            return Err(WrongLength { announced: self.total_length, longer: true });
        }
        if !self.rest.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(BLOB_CHUNK - self.rest.len()));
            self.rest.extend_from_slice(head);
            bytes = tail;
            if self.rest.len() < BLOB_CHUNK {
                return Ok(());
            }
            let rest = std::mem::take(&mut self.rest);
            self.chunk(&rest, lines);
        }
        let mut chunks = bytes.chunks_exact(BLOB_CHUNK);
        for chunk in &mut chunks {
            self.chunk(chunk, lines);
        }
        self.rest.extend_from_slice(chunks.remainder());
        Ok(())
    }

    /// Appends the last lines.
    pub(crate) fn finish(mut self, lines: &mut Vec<u8>) -> Result<(), WrongLength> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.chunk(&rest, lines);
        }
        if self.sent < self.total_length {
            return Err(WrongLength { announced: self.total_length, longer: false });
        }
        self.line(&[], lines);
        lines.extend_from_slice(self.after_last.as_bytes());
        Ok(())
    }

    fn chunk(&mut self, bytes: &[u8], lines: &mut Vec<u8>) {
        self.line(bytes, lines);
        lines.extend_from_slice(self.after_blob.as_bytes());
        self.sequence += 1;
        self.sent += bytes.len() as u64;
    }

    fn line(&self, bytes: &[u8], lines: &mut Vec<u8>) {
        lines.extend_from_slice(self.before_sequence.as_bytes());
        lines.extend_from_slice(self.sequence.to_string().as_bytes());
        lines.extend_from_slice(self.before_blob.as_bytes());
        append_base64(bytes, lines);
    }
}

/// Encodes in one go: `encode_string` goes by small pieces, and from one buffer into another.
pub(super) fn append_base64(bytes: &[u8], line: &mut Vec<u8>) {
    let from = line.len();
    line.resize(from + bytes.len().div_ceil(3) * 4, 0);
    if let Some(room) = line.get_mut(from..) {
        // It is exactly as long as is needed.
        let _ = BASE64.encode_slice(bytes, room);
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use dify_plugin_protocol::{BlobChunk, Message, MessageBody, PluginLine, SessionMessage};
    use serde_json::json;

    use super::*;

    /// Feeds `file` in `pieces` and merges the lines as Dify does.
    fn round_trip(file: &[u8], piece: usize) -> Vec<BlobChunk> {
        let meta = json!({"mime_type": "text/plain", "filename": "a \"b\".txt"});
        let mut chunks = BlobChunks::new("s\"1", "f1", file.len() as u64, meta.as_object());
        let mut lines = Vec::new();
        for piece in file.chunks(piece.max(1)) {
            chunks.push(piece, &mut lines).unwrap();
        }
        chunks.finish(&mut lines).unwrap();
        String::from_utf8(lines)
            .unwrap()
            .lines()
            .map(|line| {
                let line: PluginLine<Message> = serde_json::from_str(line).unwrap();
                let PluginLine::Session { session_id, data: SessionMessage::Stream(message) } = line else { panic!() };
                assert_eq!(session_id, "s\"1");
                assert_eq!(message.meta.as_ref(), meta.as_object());
                let MessageBody::BlobChunk(chunk) = message.body else { panic!() };
                chunk
            })
            .collect()
    }

    #[test]
    fn every_chunk_but_the_last_two_is_full_however_the_bytes_arrive() {
        let file: Vec<u8> = (0..3 * BLOB_CHUNK + 17).map(|i| (i * 7 + 3) as u8).collect();
        for piece in [1, 100, BLOB_CHUNK - 1, BLOB_CHUNK, BLOB_CHUNK + 1, file.len()] {
            let chunks = round_trip(&file, piece);
            assert_eq!(chunks.len(), 5);
            let mut merged = Vec::new();
            for (i, chunk) in chunks.iter().enumerate() {
                assert_eq!(chunk.sequence, i as u64);
                assert_eq!(chunk.total_length, file.len() as u64);
                assert_eq!(chunk.end, i == 4);
                merged.extend(STANDARD.decode(&chunk.blob).unwrap());
            }
            assert_eq!(merged, file);
            assert_eq!(STANDARD.decode(&chunks[0].blob).unwrap().len(), BLOB_CHUNK);
            assert_eq!(chunks[4].blob, "");
        }
    }

    #[test]
    fn an_empty_file_is_one_line() {
        let chunks = round_trip(b"", 1);
        assert_eq!(chunks.len(), 1);
        assert!(chunks[0].end);
    }

    #[test]
    fn a_wrong_length_is_found_before_dify_would() {
        let mut lines = Vec::new();
        let mut chunks = BlobChunks::new("s", "f", 3, None);
        assert_eq!(chunks.push(b"four", &mut lines), Err(WrongLength { announced: 3, longer: true }));
        assert!(lines.is_empty());
        let mut chunks = BlobChunks::new("s", "f", 3, None);
        chunks.push(b"12", &mut lines).unwrap();
        assert_eq!(chunks.finish(&mut lines), Err(WrongLength { announced: 3, longer: false }));
    }
}
