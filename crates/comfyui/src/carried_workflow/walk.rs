//! How the parsers of the formats ask for what they want of a file, whichever way it comes.

use super::found::{Found, MAX_TEXT_BYTES};

/// How many bytes a parser may want at once: a text, and what stands around it.
pub(super) const MAX_WANTED: usize = MAX_TEXT_BYTES + 4096;

/// What a parser wants next of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// So many bytes at once.
    Bytes(usize),
    /// So many bytes at once, which begin something new: the file may as well end here.
    Next(usize),
    /// What was just given once more, with so many bytes behind it.
    More(usize),
    /// All that is left, but no more than so many bytes.
    Rest(usize),
    /// To be called again, with nothing, behind so many bytes that do not matter.
    Skip(u64),
    /// Nothing more: whatever comes holds no metadata.
    Nothing,
}

/// Why a parser cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A rule of the format is broken.
    Damaged(&'static str),
    /// Metadata longer than is read.
    TooLong,
    /// JSON that is no workflow.
    NoWorkflow { is_json: bool },
}

/// The parser of a format. It never sees more than it asked for, and goes on only with that.
pub(super) trait Walk: Send {
    /// What is wanted of the start of the file.
    fn start(&self) -> Want;

    /// What is wanted after `bytes`, which are exactly what was wanted; nothing, for `Skip`. Whoever wants neither a byte
    /// nor an end twice running would never come to an end: every round has to want some.
    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault>;
}

/// The number that the first four bytes are, big end first.
pub(super) fn be32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

/// The number that the first eight bytes are, big end first.
pub(super) fn be64(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The number that the first four bytes are, little end first.
pub(super) fn le32(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// A length of this machine; one that it cannot count is beyond every limit anyway.
pub(super) fn length(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}
