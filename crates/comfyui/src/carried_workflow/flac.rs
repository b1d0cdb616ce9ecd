//! FLAC: comments in a block of metadata before the sound.

use super::found::{Found, MAX_TEXT_BYTES};
use super::vorbis_comment;
use super::walk::{Fault, Walk, Want, be32, length};

/// The type of the block with the comments.
const COMMENTS: u8 = 4;

#[derive(Default)]
pub(super) struct Flac {
    state: State,
    is_last: bool,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Magic,
    Header,
    Comments,
}

impl Walk for Flac {
    fn start(&self) -> Want {
        Want::Bytes(4)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        match std::mem::replace(&mut self.state, State::Header) {
            State::Comments => vorbis_comment::read(bytes, found)?,
            State::Header if !bytes.is_empty() => {
                let header = be32(bytes);
                let size = header & 0x00ff_ffff;
                let kind = bytes.first().copied().unwrap_or_default();
                self.is_last = kind & 0x80 != 0;
                if kind & 0x7f != COMMENTS {
                    return Ok(Want::Skip(size.into()));
                }
                if length(size) > MAX_TEXT_BYTES {
                    return Err(Fault::TooLong);
                }
                self.state = State::Comments;
                return Ok(Want::Bytes(length(size)));
            }
            State::Magic | State::Header => {}
        }
        Ok(if self.is_last { Want::Nothing } else { Want::Next(4) })
    }
}
