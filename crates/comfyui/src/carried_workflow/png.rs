//! PNG: `tEXt` of `SaveImage`, `comf` of `SaveAnimatedPNG` (`comfy_api/latest/_ui.py`), and the compressed and the
//! international texts that other programs turn them into.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, be32, length};

/// A keyword is at most 79 bytes, and a zero ends it.
const KEYWORD: usize = 80;
/// Of a chunk, behind its data.
const CHECKSUM: u64 = 4;

#[derive(Default)]
pub(super) struct Png {
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Signature,
    /// A length and a type.
    Header,
    /// The start of a text chunk of this type, and how much of it follows.
    Keyword { kind: [u8; 4], rest: usize },
    /// The rest of a chunk behind its keyword.
    Text { kind: [u8; 4], key: Key },
}

impl Walk for Png {
    fn start(&self) -> Want {
        Want::Bytes(8)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        let state = std::mem::replace(&mut self.state, State::Header);
        Ok(match state {
            State::Signature => Want::Next(8),
            // Behind what was skipped.
            State::Header if bytes.is_empty() => Want::Next(8),
            State::Header => {
                let size = be32(bytes);
                let kind: [u8; 4] = bytes.get(4..).and_then(|kind| kind.first_chunk()).copied().unwrap_or_default();
                match &kind {
                    b"IEND" => Want::Nothing,
                    b"tEXt" | b"zTXt" | b"iTXt" | b"comf" => {
                        let start = length(size).min(KEYWORD);
                        self.state = State::Keyword { kind, rest: length(size).saturating_sub(start) };
                        Want::Bytes(start)
                    }
                    _ => Want::Skip(u64::from(size) + CHECKSUM),
                }
            }
            State::Keyword { kind, rest } => {
                let key = bytes.split(|byte| *byte == 0).next().and_then(Key::of);
                match key {
                    None | Some(Key::Comment) => Want::Skip(rest as u64 + CHECKSUM),
                    Some(_) if rest > MAX_TEXT_BYTES => return Err(Fault::TooLong),
                    Some(key) => {
                        // The text begins in what is here.
                        self.state = State::Text { kind, key };
                        return Ok(Want::More(rest));
                    }
                }
            }
            State::Text { kind, key } => {
                let (_, value) = split(bytes).ok_or(Fault::Damaged("a text has no keyword"))?;
                match &kind {
                    b"zTXt" => found.take(key, &inflated(value.get(1..).unwrap_or_default())?),
                    b"iTXt" => take_international(key, value, found)?,
                    _ => found.take(key, value),
                }
                Want::Skip(CHECKSUM)
            }
        })
    }
}

/// Compression flag and method, language, translated keyword, text.
fn take_international(key: Key, value: &[u8], found: &mut Found) -> Result<(), Fault> {
    let damaged = Fault::Damaged("an iTXt chunk is incomplete");
    let ([is_compressed, _], rest) = value.split_first_chunk().ok_or(damaged)?;
    let (_, rest) = split(rest).ok_or(damaged)?;
    let (_, text) = split(rest).ok_or(damaged)?;
    if *is_compressed == 0 {
        found.take(key, text);
    } else {
        found.take(key, &inflated(text)?);
    }
    Ok(())
}

/// What stands before the first zero, and behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn inflated(compressed: &[u8]) -> Result<Vec<u8>, Fault> {
    decompress_to_vec_zlib_with_limit(compressed, MAX_TEXT_BYTES).map_err(|error| match error.status {
        miniz_oxide::inflate::TINFLStatus::HasMoreOutput => Fault::TooLong,
        _ => Fault::Damaged("a compressed text is broken"),
    })
}
