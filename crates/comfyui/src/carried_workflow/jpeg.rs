//! JPEG: EXIF data in a segment before the picture, as nodes of others write them there.

use super::exif;
use super::found::Found;
use super::walk::{Fault, Walk, Want};

#[derive(Default)]
pub(super) struct Jpeg {
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Start,
    Segment,
    Exif,
}

impl Walk for Jpeg {
    fn start(&self) -> Want {
        Want::Bytes(2)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        match std::mem::replace(&mut self.state, State::Segment) {
            State::Exif if bytes.starts_with(b"Exif\0\0") => exif::read(bytes, found)?,
            State::Start | State::Exif => {}
            State::Segment if bytes.is_empty() => {}
            State::Segment => {
                let [0xff, marker, high, low] = bytes else { return Err(Fault::Damaged("a segment is broken")) };
                let size = u16::from_be_bytes([*high, *low]).saturating_sub(2);
                match marker {
                    // The picture itself, and the end: what follows is no metadata.
                    0xda | 0xd9 => return Ok(Want::Nothing),
                    0xe1 => {
                        self.state = State::Exif;
                        return Ok(Want::Bytes(size.into()));
                    }
                    _ => return Ok(Want::Skip(size.into())),
                }
            }
        }
        Ok(Want::Next(4))
    }
}
