//! Objects of any size that take no memory: each byte follows from its
//! offset and a seed.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::{Stream, stream};

use crate::range::ByteRange;

const WORD: u64 = 8;

/// Fills `buffer` with what a generated object of this `seed` has from
/// `offset` on. The bytes never repeat within an object: a client that mixes
/// two ranges up does not get away with it.
pub fn generated_bytes(seed: u64, offset: u64, buffer: &mut [u8]) {
    let mut index = offset / WORD;
    let skip = usize::try_from(offset % WORD).unwrap_or_default();
    let head = buffer.len().min((8 - skip) % 8);
    let (first, rest) = buffer.split_at_mut(head);
    if head > 0 {
        for (to, from) in first.iter_mut().zip(word(seed, index).iter().skip(skip)) {
            *to = *from;
        }
        index = index.wrapping_add(1);
    }
    for chunk in rest.chunks_mut(8) {
        let word = word(seed, index);
        for (to, from) in chunk.iter_mut().zip(word) {
            *to = from;
        }
        index = index.wrapping_add(1);
    }
}

/// The mixing function of SplitMix64 (Steele, Lea, Flood 2014).
fn word(seed: u64, index: u64) -> [u8; 8] {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)).to_le_bytes()
}

#[derive(Debug, Clone)]
pub(crate) struct Generated {
    length: u64,
    seed: u64,
    crc64: Arc<OnceLock<u64>>,
}

impl Generated {
    pub(crate) fn new(length: u64, seed: u64) -> Self {
        Self { length, seed, crc64: Arc::default() }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Goes through all bytes the first time.
    pub(crate) fn crc64(&self) -> u64 {
        *self.crc64.get_or_init(|| {
            let mut digest = crc64fast::Digest::new();
            let mut buffer = vec![0; 64 * 1024];
            let mut offset = 0;
            while offset < self.length {
                let size = buffer.len().min(saturating(self.length - offset));
                let piece = buffer.get_mut(..size).unwrap_or_default();
                generated_bytes(self.seed, offset, piece);
                digest.write(piece);
                offset += size as u64;
            }
            digest.sum64()
        })
    }

    pub(crate) fn stream(self, range: Option<ByteRange>, piece: usize) -> impl Stream<Item = Bytes> + Send {
        let (start, end) = match range {
            Some(range) => (range.first, self.length.min(range.last.saturating_add(1))),
            None => (0, self.length),
        };
        let seed = self.seed;
        stream::unfold(start, move |offset| async move {
            if offset >= end {
                return None;
            }
            let mut bytes = vec![0; piece.min(saturating(end - offset))];
            generated_bytes(seed, offset, &mut bytes);
            let next = offset + bytes.len() as u64;
            Some((Bytes::from(bytes), next))
        })
    }
}

fn saturating(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_part_equals_that_part_of_the_whole() {
        let mut whole = vec![0; 100];
        generated_bytes(42, 0, &mut whole);
        for start in 0..40 {
            for length in 0..40 {
                let mut part = vec![0; length];
                generated_bytes(42, start as u64, &mut part);
                assert_eq!(part, whole[start..start + length], "{start} {length}");
            }
        }
    }

    #[test]
    fn seeds_and_words_differ() {
        assert_ne!(word(1, 0), word(2, 0));
        assert_ne!(word(1, 0), word(1, 1));
    }
}
