//! Files in pieces, as Dify merges them. Counts only: the bytes go wherever the caller keeps them.

use std::collections::HashMap;

use dify_plugin_protocol::limits::BLOB_CHUNK;

/// Most files of one call that may be unfinished at once. Dify has no such limit; it would run out of memory.
const OPEN_FILES: usize = 1024;

/// A `blob_chunk` message without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkHeader<'a> {
    pub(crate) id: &'a str,
    pub(crate) sequence: u64,
    pub(crate) total_length: u64,
    /// How many bytes it carries.
    pub(crate) length: usize,
    pub(crate) end: bool,
}

/// What is wrong with a `blob_chunk` message, and what Dify would do
/// (Dify, `api/core/plugin/utils/chunk_merger.py`; graphon's merger of newer releases is the stricter one).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChunkFault {
    /// More than 8192 bytes.
    #[error("a chunk of {length} bytes: Dify fails the call above {limit}", limit = BLOB_CHUNK)]
    TooLong {
        /// Bytes of the chunk.
        length: usize,
    },
    /// A number left out or repeated.
    #[error(
        "chunk {found} of file {id} where {expected} was due: Dify appends in order of arrival, so the file would be damaged"
    )]
    Sequence {
        /// The file within the call.
        id: String,
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// Not the same `total_length` on all chunks.
    #[error("total_length of file {id} changed from {before} to {after}: Dify fails the call")]
    TotalChanged {
        /// The file within the call.
        id: String,
        /// On the first chunk.
        before: u64,
        /// On this one.
        after: u64,
    },
    /// More bytes than `total_length`.
    #[error("file {id} has more than the {total_length} bytes that it was announced with: Dify fails the call")]
    Overrun {
        /// The file within the call.
        id: String,
        /// As announced.
        total_length: u64,
    },
    /// The last chunk came too early.
    #[error("file {id} ended after {received} of {total_length} bytes: Dify would keep a cut file, or fail the call")]
    Cut {
        /// The file within the call.
        id: String,
        /// Bytes that came.
        received: u64,
        /// As announced.
        total_length: u64,
    },
    /// The call ended before the file.
    #[error(
        "the call ended before file {id}, of which {received} of {total_length} bytes came: Dify would drop the file without a word, or fail the call"
    )]
    MissingEnd {
        /// The file within the call.
        id: String,
        /// Bytes that came.
        received: u64,
        /// As announced.
        total_length: u64,
    },
    /// Larger than Dify merges.
    #[error("a file of {total_length} bytes: this Dify refuses files above {limit} bytes (PLUGIN_MAX_FILE_SIZE)")]
    FileTooLarge {
        /// As announced.
        total_length: u64,
        /// The limit set for this Dify.
        limit: u64,
    },
    /// Too many files at once.
    #[error("more than {limit} unfinished files in one call", limit = OPEN_FILES)]
    TooManyFiles,
}

/// How far a file is after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Whether this was the first chunk.
    pub(crate) first: bool,
    pub(crate) received: u64,
    pub(crate) complete: bool,
}

#[derive(Debug)]
struct OpenFile {
    next: u64,
    received: u64,
    total_length: u64,
}

/// The unfinished files of one call, by id.
#[derive(Debug)]
pub(crate) struct ChunkMerger {
    limit: u64,
    files: HashMap<String, OpenFile>,
}

impl ChunkMerger {
    /// `limit`: largest file in bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, files: HashMap::new() }
    }

    pub(crate) fn add(&mut self, chunk: ChunkHeader<'_>) -> Result<Progress, ChunkFault> {
        let ChunkHeader { id, sequence, total_length, length, end } = chunk;
        if length > BLOB_CHUNK {
            return Err(ChunkFault::TooLong { length });
        }
        let first = !self.files.contains_key(id);
        if first {
            if total_length > self.limit {
                return Err(ChunkFault::FileTooLarge { total_length, limit: self.limit });
            }
            if self.files.len() >= OPEN_FILES {
                return Err(ChunkFault::TooManyFiles);
            }
        }
        let named = || id.to_owned();
        let file = self.files.entry(named()).or_insert(OpenFile { next: 0, received: 0, total_length });
        if total_length != file.total_length {
            return Err(ChunkFault::TotalChanged { id: named(), before: file.total_length, after: total_length });
        }
        if sequence != file.next {
            return Err(ChunkFault::Sequence { id: named(), expected: file.next, found: sequence });
        }
        file.next += 1;
        file.received += length as u64;
        let received = file.received;
        if received > total_length {
            return Err(ChunkFault::Overrun { id: named(), total_length });
        }
        if end {
            if received < total_length {
                return Err(ChunkFault::Cut { id: named(), received, total_length });
            }
            self.files.remove(id);
        }
        Ok(Progress { first, received, complete: end })
    }

    /// To be called when the call ends.
    pub(crate) fn finish(&self) -> Result<(), ChunkFault> {
        match self.files.iter().next() {
            None => Ok(()),
            Some((id, file)) => {
                Err(ChunkFault::MissingEnd { id: id.clone(), received: file.received, total_length: file.total_length })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: ChunkHeader<'_> = ChunkHeader { id: "f", sequence: 0, total_length: 10_000, length: 8192, end: false };

    fn merger() -> ChunkMerger {
        ChunkMerger::new(20_000)
    }

    #[test]
    fn a_file_is_complete_with_its_end_chunk() {
        let mut merger = merger();
        assert_eq!(merger.add(FILE), Ok(Progress { first: true, received: 8192, complete: false }));
        let second = ChunkHeader { sequence: 1, length: 1808, ..FILE };
        assert_eq!(merger.add(second), Ok(Progress { first: false, received: 10_000, complete: false }));
        assert!(matches!(merger.finish(), Err(ChunkFault::MissingEnd { received: 10_000, .. })));
        let end = ChunkHeader { sequence: 2, length: 0, end: true, ..FILE };
        assert_eq!(merger.add(end), Ok(Progress { first: false, received: 10_000, complete: true }));
        assert_eq!(merger.finish(), Ok(()));
    }

    #[test]
    fn an_empty_file_is_its_end_chunk_alone() {
        let end = ChunkHeader { total_length: 0, length: 0, end: true, ..FILE };
        assert_eq!(merger().add(end), Ok(Progress { first: true, received: 0, complete: true }));
    }

    #[test]
    fn files_may_interleave() {
        let mut merger = merger();
        for sequence in 0..2 {
            for id in ["a", "b"] {
                let end = sequence == 1;
                let length = if end { 1808 } else { 8192 };
                merger.add(ChunkHeader { id, sequence, length, end, ..FILE }).unwrap();
            }
        }
        assert_eq!(merger.finish(), Ok(()));
    }

    #[test]
    fn every_fault_is_told() {
        let faults = [
            (None, ChunkHeader { length: 8193, ..FILE }, ChunkFault::TooLong { length: 8193 }),
            (None, ChunkHeader { sequence: 1, ..FILE }, ChunkFault::Sequence { id: "f".into(), expected: 0, found: 1 }),
            (Some(FILE), FILE, ChunkFault::Sequence { id: "f".into(), expected: 1, found: 0 }),
            (
                Some(FILE),
                ChunkHeader { sequence: 1, total_length: 9, ..FILE },
                ChunkFault::TotalChanged { id: "f".into(), before: 10_000, after: 9 },
            ),
            (
                Some(FILE),
                ChunkHeader { sequence: 1, ..FILE },
                ChunkFault::Overrun { id: "f".into(), total_length: 10_000 },
            ),
            (
                None,
                ChunkHeader { end: true, ..FILE },
                ChunkFault::Cut { id: "f".into(), received: 8192, total_length: 10_000 },
            ),
            (
                None,
                ChunkHeader { total_length: 20_001, ..FILE },
                ChunkFault::FileTooLarge { total_length: 20_001, limit: 20_000 },
            ),
        ];
        for (before, chunk, fault) in faults {
            let mut merger = merger();
            if let Some(before) = before {
                merger.add(before).unwrap();
            }
            assert_eq!(merger.add(chunk), Err(fault));
        }
    }

    #[test]
    fn files_begun_and_never_ended_are_bounded() {
        let mut merger = merger();
        for number in 0..OPEN_FILES {
            merger.add(ChunkHeader { id: &number.to_string(), ..FILE }).unwrap();
        }
        assert_eq!(merger.add(FILE), Err(ChunkFault::TooManyFiles));
    }
}
