//! What reads a plugin's output, and is private, for the fuzz targets. Behind the feature `fuzzing`.

use crate::chunk_merger::{ChunkHeader, ChunkMerger};
use crate::decode;
use crate::envelope::{Line, SessionLine};
use crate::line_reader::LineReader;
use crate::{Action, form_file};

/// The lines of `output`, which arrives in pieces of `piece` bytes; nothing where one is too long.
#[must_use]
pub fn lines(output: &[u8], piece: usize) -> Option<Vec<Vec<u8>>> {
    let mut reader = LineReader::new();
    let mut lines = Vec::new();
    for piece in output.chunks(piece.max(1)) {
        let mut rest = piece;
        while !rest.is_empty() {
            let space = reader.space();
            let length = rest.len().min(space.len());
            space[..length].copy_from_slice(&rest[..length]);
            reader.advance(length);
            rest = &rest[length..];
            while let Some(line) = reader.next_line().ok()? {
                lines.push(line.to_vec());
            }
        }
    }
    lines.push(reader.rest().to_vec());
    Some(lines)
}

/// Reads a line and, of a session's, what is in it, as an answer to every action. Chunks go to `files`. Gives the text
/// of what is wrong.
pub fn line(line: &[u8], files: &mut Files) -> Option<String> {
    match Line::parse(line) {
        Line::Heartbeat | Line::Log(_) => None,
        Line::Violation(violation) => Some(format!("{violation:?}")),
        Line::Session { message: SessionLine::Undecodable(reason), .. } => Some(reason),
        Line::Session { message: SessionLine::Chunk(chunk), .. } => {
            let chunk = chunk.message;
            let bytes = decode::decode_base64(chunk.blob).ok()?;
            files.add(&chunk.id, chunk.sequence, chunk.total_length, bytes.len(), chunk.end)
        }
        Line::Session { message: SessionLine::Message(kind, data), .. } => match kind.as_ref() {
            "error" => decode::error(data.get()).err(),
            "invoke" => decode::invocation(data.get()).err(),
            _ => {
                let mut wrong = None;
                for (kind, action) in [
                    ("tool", "invoke_tool"),
                    ("tool", "validate_tool_credentials"),
                    ("dynamic_parameter", "fetch_parameter_options"),
                    ("datasource", "invoke_online_drive_browse_files"),
                    ("oauth", "get_credentials"),
                ] {
                    let payload = decode::payload(&Action::named(kind, action), data.get());
                    wrong = payload.err().map(|failure| failure.to_string()).or(wrong);
                }
                wrong
            }
        },
    }
}

/// The merger of chunks, and what came of each file by a count of its own.
#[derive(Debug)]
pub struct Files {
    merger: ChunkMerger,
    limit: u64,
    received: std::collections::HashMap<String, u64>,
}

impl Files {
    /// A merger of files up to `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { merger: ChunkMerger::new(limit), limit, received: std::collections::HashMap::new() }
    }

    /// Adds a chunk; the text of what is wrong with it.
    ///
    /// # Panics
    /// When the merger lets a file pass that is too long, or calls one complete that is not.
    pub fn add(&mut self, id: &str, sequence: u64, total_length: u64, length: usize, end: bool) -> Option<String> {
        match self.merger.add(ChunkHeader { id, sequence, total_length, length, end }) {
            Err(fault) => {
                // The call is over.
                self.received.clear();
                self.merger = ChunkMerger::new(self.limit);
                Some(fault.to_string())
            }
            Ok(progress) => {
                let received = self.received.entry(id.to_owned()).or_default();
                *received += length as u64;
                assert_eq!(progress.received, *received, "bytes are counted wrong");
                assert!(*received <= total_length && total_length <= self.limit, "a file grew too long");
                if progress.complete {
                    assert_eq!(*received, total_length, "a file is complete that is not");
                    self.received.remove(id);
                }
                assert_eq!(self.merger.finish().is_ok(), self.received.is_empty(), "a file is lost");
                None
            }
        }
    }
}

/// The file name in a `Content-Disposition`.
#[must_use]
pub fn form_file_name(disposition: &[u8]) -> Option<String> {
    form_file::file_name(disposition)
}
