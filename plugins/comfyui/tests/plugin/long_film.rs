//! Many bytes, and a way to compare them without keeping them twice.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

pub(crate) const MB: usize = 1_000_000;

/// What a file may cost the plugin in memory, whatever its size.
pub(crate) const GROWTH: u64 = 8 * MB as u64;

/// Bytes without repetition, made quickly: each block of 8 KiB begins with its number.
pub(crate) fn film(length: usize) -> Bytes {
    let block: Vec<u8> = (0..8192_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut film = block.repeat(length.div_ceil(block.len()));
    film.truncate(length);
    for (number, block) in film.chunks_mut(block.len()).enumerate() {
        let number = number.to_le_bytes();
        let length = number.len().min(block.len());
        block[..length].copy_from_slice(&number[..length]);
    }
    film.into()
}

/// Compares what is written with what is expected, and keeps nothing.
#[derive(Clone)]
pub(crate) struct Comparison {
    pub(crate) expected: Bytes,
    equal_bytes: Arc<Mutex<usize>>,
}

impl Comparison {
    pub(crate) fn with(expected: Bytes) -> Self {
        Self { expected, equal_bytes: Arc::default() }
    }

    /// How many bytes came, each as expected.
    pub(crate) fn equal_bytes(&self) -> usize {
        *self.equal_bytes.lock().unwrap()
    }
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut equal_bytes = self.equal_bytes.lock().unwrap();
        if self.expected.get(*equal_bytes..*equal_bytes + bytes.len()) != Some(bytes) {
            return Err(io::Error::other(format!("another byte after {equal_bytes}")));
        }
        *equal_bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
