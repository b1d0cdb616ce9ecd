//! Ogg: pages that hold pieces of packets. The second packet of Opus, of Vorbis and of FLAC in Ogg has the comments.

use super::found::{Found, MAX_TEXT_BYTES};
use super::vorbis_comment;
use super::walk::{Fault, Walk, Want, le32};

/// The most pages before the sound that are looked at.
const MAX_PAGES: usize = 4096;
/// A piece of this length is followed by more of its packet.
const FULL_PIECE: u8 = 255;

#[derive(Default)]
pub(super) struct Ogg {
    state: State,
    pages: usize,
    /// The stream that the packet belongs to.
    stream: Option<u32>,
    /// The packet up to now.
    packet: Vec<u8>,
}

#[derive(Clone, Default)]
enum State {
    #[default]
    Header,
    /// The lengths of the pieces, of this stream.
    Lengths { stream: u32 },
    /// The pieces, if they are of the stream that is looked at.
    Pieces { stream: u32, lengths: Vec<u8> },
}

impl Walk for Ogg {
    fn start(&self) -> Want {
        Want::Bytes(27)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        Ok(match std::mem::take(&mut self.state) {
            State::Header if bytes.is_empty() => Want::Next(27),
            State::Header => {
                let [b'O', b'g', b'g', b'S', ..] = bytes else { return Err(Fault::Damaged("a page is broken")) };
                self.pages += 1;
                if self.pages > MAX_PAGES {
                    return Ok(Want::Nothing);
                }
                let stream = le32(bytes.get(14..).unwrap_or_default());
                self.state = State::Lengths { stream };
                Want::Bytes(bytes.last().copied().unwrap_or_default().into())
            }
            State::Lengths { stream } => {
                let total: usize = bytes.iter().copied().map(usize::from).sum();
                self.state = State::Pieces { stream, lengths: bytes.to_vec() };
                Want::Bytes(total)
            }
            State::Pieces { stream, lengths } => {
                if self.stream.is_some_and(|looked_at| looked_at != stream) {
                    return Ok(Want::Next(27));
                }
                let mut rest = bytes;
                for length in lengths {
                    let (piece, behind) = rest.split_at_checked(length.into()).unwrap_or((rest, &[]));
                    rest = behind;
                    if self.packet.len() + piece.len() > MAX_TEXT_BYTES {
                        return Err(Fault::TooLong);
                    }
                    self.packet.extend_from_slice(piece);
                    if length != FULL_PIECE {
                        let packet = std::mem::take(&mut self.packet);
                        if self.is_last_header(stream, &packet, found)? {
                            return Ok(Want::Nothing);
                        }
                    }
                }
                Want::Next(27)
            }
        })
    }
}

impl Ogg {
    /// Whether this packet is the one with the comments.
    fn is_last_header(&mut self, stream: u32, packet: &[u8], found: &mut Found) -> Result<bool, Fault> {
        if self.stream.is_none() {
            let begins = [b"OpusHead".as_slice(), b"\x01vorbis", b"\x7fFLAC"];
            if begins.iter().any(|begin| packet.starts_with(begin)) {
                self.stream = Some(stream);
            }
            return Ok(false);
        }
        let heads = [b"OpusTags".as_slice(), b"\x03vorbis"];
        let comments = heads.iter().find_map(|head| packet.strip_prefix(*head)).or_else(|| {
            // A block of FLAC: the comments come first.
            packet.get(4..).filter(|_| packet.first().is_some_and(|kind| kind & 0x7f == 4))
        });
        if let Some(comments) = comments {
            vorbis_comment::read(comments, found)?;
        }
        Ok(true)
    }
}
