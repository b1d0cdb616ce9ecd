//! Vorbis comments: `KEY=value`, in FLAC, Opus and Vorbis alike.

use super::found::{Found, Key};
use super::walk::{Fault, le32, length};

const DAMAGED: Fault = Fault::Damaged("its comments are broken");

pub(super) fn read(bytes: &[u8], found: &mut Found) -> Result<(), Fault> {
    let mut rest = bytes;
    // The name of the program that wrote it.
    take(&mut rest).ok_or(DAMAGED)?;
    let (count, mut rest) = rest.split_at_checked(4).ok_or(DAMAGED)?;
    // The count may be anything: the bytes run out in time.
    for _ in 0..le32(count) {
        let comment = take(&mut rest).ok_or(DAMAGED)?;
        let mut halves = comment.splitn(2, |byte| *byte == b'=');
        if let (Some(key), Some(value)) = (halves.next().and_then(Key::of), halves.next()) {
            found.take(key, value);
        }
    }
    Ok(())
}

/// A length and so many bytes.
fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (size, rest) = bytes.split_at_checked(4)?;
    let (value, rest) = rest.split_at_checked(length(le32(size)))?;
    *bytes = rest;
    Some(value)
}
