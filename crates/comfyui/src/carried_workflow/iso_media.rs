//! MP4 and QuickTime: keys and values in `moov/udta/meta` or `moov/meta`, in the boxes `keys` and `ilst`. ComfyUI's
//! `SaveVideo` writes them through FFmpeg's `use_metadata_tags` (`comfy_api/latest/_input_impl/video_types.py`).

use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, be32, be64, length};

/// The most keys of a file.
const MAX_KEYS: usize = 4096;
/// How deep boxes are looked into: `moov/udta/meta/ilst/item/data`.
const MAX_DEPTH: usize = 6;
const BROKEN_BOX: Fault = Fault::Damaged("a box is longer than what it is in");

#[derive(Default)]
pub(super) struct IsoMedia {
    state: State,
    /// How many bytes the boxes that are open still have.
    open: Vec<OpenBox>,
    keys: Vec<Option<Key>>,
}

#[derive(Clone, Copy)]
struct OpenBox {
    kind: [u8; 4],
    left: u64,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Header,
    /// The rest of a header with a size of 64 bits.
    LongSize([u8; 4]),
    /// The start of a `meta` box: a version and a size, or a size and a kind.
    MetaStart,
    /// A version, and the header of the box behind it.
    VersionedMeta,
    Keys,
    /// The value of this key.
    Value(Key),
}

impl Walk for IsoMedia {
    fn start(&self) -> Want {
        Want::Next(8)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        match std::mem::take(&mut self.state) {
            State::Header if bytes.is_empty() => Ok(self.next()),
            State::Header => {
                let kind = bytes.get(4..).and_then(|kind| kind.first_chunk()).copied().unwrap_or_default();
                match be32(bytes) {
                    // Up to the end of the file.
                    0 => self.enter(kind, u64::MAX, 8),
                    1 => {
                        self.state = State::LongSize(kind);
                        Ok(Want::Bytes(8))
                    }
                    size => self.enter(kind, size.into(), 8),
                }
            }
            State::LongSize(kind) => self.enter(kind, be64(bytes), 16),
            // QuickTime's has no version: a box begins at once.
            State::MetaStart if bytes.get(4..) == Some(b"hdlr") => self.enter(*b"hdlr", be32(bytes).into(), 8),
            State::MetaStart => {
                self.state = State::VersionedMeta;
                Ok(Want::More(4))
            }
            State::VersionedMeta => {
                let kind = bytes.get(8..).and_then(|kind| kind.first_chunk()).copied().unwrap_or_default();
                self.pass(4)?;
                self.enter(kind, be32(bytes.get(4..).unwrap_or_default()).into(), 8)
            }
            State::Keys => {
                self.keys = read_keys(bytes)?;
                Ok(self.next())
            }
            State::Value(key) => {
                // A type and a language stand before it.
                found.take(key, bytes.get(8..).unwrap_or_default());
                Ok(self.next())
            }
        }
    }
}

impl IsoMedia {
    /// Counts bytes of the box that is open.
    fn pass(&mut self, bytes: u64) -> Result<(), Fault> {
        for outer in &mut self.open {
            if outer.left != u64::MAX {
                outer.left = outer.left.checked_sub(bytes).ok_or(BROKEN_BOX)?;
            }
        }
        Ok(())
    }

    /// The next box, where those that are at their end are closed.
    fn next(&mut self) -> Want {
        while let Some(open) = self.open.last().copied() {
            // Some end with four zeros.
            if open.left >= 8 {
                break;
            }
            self.open.pop();
            if open.left > 0 {
                // Cannot fail: what is left of the inner one is left of the outer ones.
                let _ = self.pass(open.left);
                return Want::Skip(open.left);
            }
            if open.kind == *b"moov" {
                return Want::Nothing;
            }
        }
        if self.open.is_empty() { Want::Next(8) } else { Want::Bytes(8) }
    }

    /// A box whose header was `header` bytes long.
    fn enter(&mut self, kind: [u8; 4], size: u64, header: u64) -> Result<Want, Fault> {
        let left = if size == u64::MAX { size } else { size.checked_sub(header).ok_or(BROKEN_BOX)? };
        self.pass(header)?;
        let parent = self.open.last().map(|open| open.kind);
        let is_within = |kind: &[u8; 4]| parent.as_ref() == Some(kind);
        let is_item = is_within(b"ilst");
        let is_value = &kind == b"data" && self.open.iter().any(|open| open.kind == *b"ilst");
        if is_value && left != u64::MAX {
            let Some(key) = parent.and_then(|item| self.key_of(item)) else { return self.skip(left) };
            if length(left) > MAX_TEXT_BYTES {
                return Err(Fault::TooLong);
            }
            self.pass(left)?;
            self.state = State::Value(key);
            return Ok(Want::Bytes(length(left)));
        }
        let is_container = match &kind {
            b"moov" => parent.is_none(),
            b"udta" => is_within(b"moov"),
            b"meta" => is_within(b"moov") || is_within(b"udta"),
            b"ilst" => is_within(b"meta"),
            _ => is_item,
        };
        if is_container && self.open.len() < MAX_DEPTH {
            if is_item && self.key_of(kind).is_none() {
                return self.skip(left);
            }
            // It may not be longer than what it is in.
            if self.open.last().is_some_and(|outer| left != u64::MAX && outer.left < left) {
                return Err(BROKEN_BOX);
            }
            self.open.push(OpenBox { kind, left });
            if &kind == b"meta" && left >= 12 {
                self.state = State::MetaStart;
                return Ok(Want::Bytes(8));
            }
            return Ok(self.next());
        }
        if &kind == b"keys" && is_within(b"meta") {
            if length(left) > MAX_TEXT_BYTES {
                return Err(Fault::TooLong);
            }
            self.pass(left)?;
            self.state = State::Keys;
            return Ok(Want::Bytes(length(left)));
        }
        self.skip(left)
    }

    /// Items are named by the number of their key, counted from 1, or by a name of four letters.
    fn key_of(&self, item: [u8; 4]) -> Option<Key> {
        let index = length(u32::from_be_bytes(item)).checked_sub(1)?;
        self.keys.get(index).copied().flatten().or_else(|| Key::of(&item))
    }

    fn skip(&mut self, bytes: u64) -> Result<Want, Fault> {
        if bytes == u64::MAX {
            return Ok(Want::Nothing);
        }
        self.pass(bytes)?;
        if bytes == 0 { Ok(self.next()) } else { Ok(Want::Skip(bytes)) }
    }
}

/// A version, a count, and of each key a size, a namespace and its name.
fn read_keys(bytes: &[u8]) -> Result<Vec<Option<Key>>, Fault> {
    let damaged = Fault::Damaged("its list of keys is broken");
    let (count, mut rest) = bytes.get(4..).and_then(|bytes| bytes.split_at_checked(4)).ok_or(damaged)?;
    let mut keys = Vec::new();
    for _ in 0..length(be32(count)).min(MAX_KEYS) {
        let size = length(be32(rest)).max(8);
        let (key, behind) = rest.split_at_checked(size).ok_or(damaged)?;
        keys.push(key.get(8..).and_then(Key::of));
        rest = behind;
    }
    Ok(keys)
}
