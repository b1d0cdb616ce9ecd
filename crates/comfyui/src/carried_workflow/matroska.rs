//! Matroska and WebM: tags with a name and a text. `SaveWEBM` writes them before the film (`comfy_extras/nodes_video.py`);
//! FFmpeg puts their names into capitals.

use super::ebml;
use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, length};

const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const TAGS: u32 = 0x1254_c367;
const TAG: u32 = 0x7373;
const SIMPLE_TAG: u32 = 0x67c8;
const TAG_NAME: u32 = 0x45a3;
const TAG_STRING: u32 = 0x4487;
/// The longest name that is looked at.
const MAX_NAME: u64 = 255;

#[derive(Default)]
pub(super) struct Matroska {
    state: State,
    /// Of the tag that is being read.
    key: Option<Key>,
    /// Its text, where that comes before its name.
    text: Option<Vec<u8>>,
}

/// Elements are taken as they come: that one is in another needs not be known, since those that are looked into are
/// only found in each other.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Id,
    IdRest,
    Size(u32),
    SizeRest(u32),
    Name,
    Text,
}

impl Walk for Matroska {
    fn start(&self) -> Want {
        Want::Next(1)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        let begin = bytes.first().copied();
        match std::mem::take(&mut self.state) {
            State::Id => {
                let Some(first) = begin else { return Ok(Want::Next(1)) };
                let rest = ebml::length(first).filter(|length| *length <= 4);
                let rest = rest.ok_or(Fault::Damaged("an element's id is broken"))? - 1;
                self.state = State::IdRest;
                Ok(Want::More(rest))
            }
            State::IdRest => {
                self.state = State::Size(ebml::id(bytes));
                Ok(Want::Bytes(1))
            }
            State::Size(id) => {
                let rest = ebml::length(begin.unwrap_or_default());
                let rest = rest.ok_or(Fault::Damaged("an element's size is broken"))? - 1;
                self.state = State::SizeRest(id);
                Ok(Want::More(rest))
            }
            State::SizeRest(id) => self.enter(id, ebml::size(bytes)),
            State::Name => {
                self.key = Key::of(bytes);
                if let (Some(key), Some(text)) = (self.key, self.text.take()) {
                    found.take(key, &text);
                }
                Ok(Want::Next(1))
            }
            State::Text => {
                match self.key {
                    Some(key) => found.take(key, bytes),
                    None => self.text = Some(bytes.to_vec()),
                }
                Ok(Want::Next(1))
            }
        }
    }
}

impl Matroska {
    fn enter(&mut self, id: u32, size: Option<u64>) -> Result<Want, Fault> {
        match (id, size) {
            // The name comes first nearly always.
            (SIMPLE_TAG, _) => {
                self.key = None;
                self.text = None;
            }
            (SEGMENT | TAGS | TAG, _) => {}
            (TAG_NAME, Some(size)) if size <= MAX_NAME => {
                self.state = State::Name;
                return Ok(Want::Bytes(length(size)));
            }
            (TAG_STRING, Some(size)) => {
                if length(size) > MAX_TEXT_BYTES {
                    return if self.key.is_some() { Err(Fault::TooLong) } else { Ok(Want::Skip(size)) };
                }
                self.state = State::Text;
                return Ok(Want::Bytes(length(size)));
            }
            // A live one: its parts are passed over one by one.
            (CLUSTER, None) => {}
            (_, Some(size)) => return Ok(Want::Skip(size)),
            (_, None) => return Err(Fault::Damaged("an element has no size")),
        }
        Ok(Want::Next(1))
    }
}
