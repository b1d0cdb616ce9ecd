//! Where an object's bytes are, and how they are read.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{folder::CrcCache, generated::Generated};
use crate::range::ByteRange;

/// Bytes held in memory of a body that is under way.
const PIECE: usize = 64 * 1024;

pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Bytes { bytes: Bytes, crc64: Arc<OnceLock<u64>> },
    Generated(Generated),
    File { path: PathBuf, crcs: Arc<CrcCache> },
}

impl Content {
    pub(crate) fn from_bytes(bytes: Bytes) -> Self {
        Self::Bytes { bytes, crc64: Arc::default() }
    }

    /// The CRC-64/XZ of all bytes, which is COS's crc64ecma. Reads a file
    /// once through the first time: call from a thread that may block.
    pub(crate) fn crc64(&self) -> io::Result<u64> {
        match self {
            Self::Bytes { bytes, crc64 } => Ok(*crc64.get_or_init(|| {
                let mut digest = crc64fast::Digest::new();
                digest.write(bytes);
                digest.sum64()
            })),
            Self::Generated(generated) => Ok(generated.crc64()),
            Self::File { path, crcs } => crcs.crc64(path),
        }
    }

    /// The bytes of `range` (all when `None`), a piece at a time.
    pub(crate) async fn stream(self, range: Option<ByteRange>) -> io::Result<ByteStream> {
        Ok(match self {
            Self::Bytes { bytes, .. } => {
                let part = match range {
                    Some(range) => slice(&bytes, range),
                    None => bytes,
                };
                Box::pin(pieces(part, PIECE).map(Ok))
            }
            Self::Generated(generated) => Box::pin(generated.stream(range, PIECE).map(Ok)),
            Self::File { path, .. } => {
                let mut file = tokio::fs::File::open(path).await?;
                let length = match range {
                    Some(range) => {
                        file.seek(io::SeekFrom::Start(range.first)).await?;
                        range.len()
                    }
                    None => u64::MAX,
                };
                Box::pin(ReaderStream::with_capacity(file.take(length), PIECE))
            }
        })
    }
}

/// Empty rather than a panic when the range lies outside.
fn slice(bytes: &Bytes, range: ByteRange) -> Bytes {
    let end = usize::try_from(range.last).unwrap_or(usize::MAX).saturating_add(1).min(bytes.len());
    let start = usize::try_from(range.first).unwrap_or(usize::MAX).min(end);
    bytes.slice(start..end)
}

/// Cuts `bytes` into pieces of at most `size`.
pub(crate) fn pieces(bytes: Bytes, size: usize) -> impl Stream<Item = Bytes> + Send {
    stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let piece = rest.split_to(size.max(1).min(rest.len()));
        Some((piece, rest))
    })
}

/// Feeds a file through a CRC in bounded memory.
pub(super) fn crc64_of_file(path: &std::path::Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let mut digest = crc64fast::Digest::new();
    let mut buffer = vec![0; PIECE];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(digest.sum64());
        }
        digest.write(buffer.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn collect(content: Content, range: Option<ByteRange>) -> Vec<u8> {
        let mut stream = content.stream(range).await.unwrap();
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece.unwrap();
            assert!(piece.len() <= PIECE);
            all.extend_from_slice(&piece);
        }
        all
    }

    fn range(first: u64, last: u64) -> Option<ByteRange> {
        Some(ByteRange { first, last })
    }

    #[tokio::test]
    async fn every_kind_reads_the_same_range() {
        let length = 3 * PIECE as u64 + 17;
        let generated = Content::Generated(Generated::new(length, 7));
        let all = collect(generated.clone(), None).await;
        assert_eq!(all.len() as u64, length);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &all).unwrap();
        let on_disk = Content::File { path: file.path().to_owned(), crcs: Arc::default() };
        let in_memory = Content::from_bytes(Bytes::from(all.clone()));
        for content in [&generated, &on_disk, &in_memory] {
            assert_eq!(content.crc64().unwrap(), in_memory.crc64().unwrap());
            assert_eq!(collect(content.clone(), None).await, all);
            for (first, last) in [(0, 0), (5, 70_000), (65_535, 65_536), (length - 3, length - 1)] {
                assert_eq!(collect(content.clone(), range(first, last)).await, all[first as usize..=last as usize],);
            }
        }
    }

    #[test]
    fn the_crc_is_that_of_cos() {
        // The check value of CRC-64/XZ.
        let content = Content::from_bytes(Bytes::from_static(b"123456789"));
        assert_eq!(content.crc64().unwrap(), 0x995d_c9bb_df19_39fa);
    }
}
