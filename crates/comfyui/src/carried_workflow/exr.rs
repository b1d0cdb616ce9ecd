//! OpenEXR: attributes of type `string` named `prompt` and `workflow`, which `SaveImageAdvanced` puts into the header
//! (`comfy_extras/nodes_images.py`).

use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, le32, length};

/// The longest names of the format.
const NAME: usize = 255;

#[derive(Default)]
pub(super) struct Exr {
    state: State,
    /// The name up to now.
    name: Vec<u8>,
    key: Option<Key>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Magic,
    /// A letter of an attribute's name.
    Name,
    /// A letter of its type's name.
    Type,
    Size,
    Value,
}

impl Walk for Exr {
    fn start(&self) -> Want {
        Want::Bytes(8)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        Ok(match (self.state, bytes) {
            // An empty name ends the header.
            (State::Name, [0]) if self.name.is_empty() => Want::Nothing,
            (State::Name, [0]) => {
                self.key = Key::of(&self.name).filter(|key| *key != Key::Comment);
                self.name.clear();
                self.state = State::Type;
                Want::Bytes(1)
            }
            (State::Type, [0]) => {
                self.key = self.key.filter(|_| self.name == b"string");
                self.name.clear();
                self.state = State::Size;
                Want::Bytes(4)
            }
            (State::Name | State::Type, [letter]) => {
                if self.name.len() >= NAME {
                    return Err(Fault::Damaged("a name in its header is too long"));
                }
                self.name.push(*letter);
                Want::Bytes(1)
            }
            (State::Size, size) => {
                let size = le32(size);
                if self.key.is_some() && length(size) > MAX_TEXT_BYTES {
                    return Err(Fault::TooLong);
                }
                self.state = State::Value;
                if self.key.is_some() { Want::Bytes(length(size)) } else { Want::Skip(size.into()) }
            }
            (State::Value, value) => {
                if let Some(key) = self.key.take() {
                    found.take(key, value);
                }
                self.state = State::Name;
                Want::Bytes(1)
            }
            (State::Magic | State::Name | State::Type, _) => {
                self.state = State::Name;
                Want::Bytes(1)
            }
        })
    }
}
