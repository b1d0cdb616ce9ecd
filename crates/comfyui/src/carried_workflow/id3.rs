//! MP3: texts of the user (`TXXX`) in an ID3 tag before the sound.

use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, be32, length};

const DAMAGED: Fault = Fault::Damaged("its ID3 tag is broken");

#[derive(Default)]
pub(super) struct Id3 {
    header: Option<Header>,
}

#[derive(Clone, Copy)]
struct Header {
    version: u8,
    flags: u8,
}

impl Header {
    /// Zeros stand behind bytes of ones, so that nothing looks like sound.
    const fn is_unsynchronised(self) -> bool {
        self.flags & 0x80 != 0
    }

    const fn is_extended(self) -> bool {
        self.flags & 0x40 != 0
    }
}

impl Walk for Id3 {
    fn start(&self) -> Want {
        Want::Bytes(10)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        if let Some(header) = self.header {
            read(header, bytes, found)?;
            return Ok(Want::Nothing);
        }
        let [b'I', b'D', b'3', version, _, flags, size @ ..] = bytes else { return Ok(Want::Nothing) };
        let size = length(synchsafe(be32(size)));
        // Version 2 has other frames, and nothing wrote it in the last twenty years.
        if !matches!(version, 3 | 4) {
            return Ok(Want::Nothing);
        }
        if size > MAX_TEXT_BYTES {
            return Err(Fault::TooLong);
        }
        self.header = Some(Header { version: *version, flags: *flags });
        Ok(Want::Bytes(size))
    }
}

fn read(header: Header, tag: &[u8], found: &mut Found) -> Result<(), Fault> {
    let synchronised;
    // In version 4 each frame says so of itself.
    let mut rest = if header.is_unsynchronised() && header.version == 3 {
        synchronised = without_unsynchronisation(tag);
        &synchronised
    } else {
        tag
    };
    if header.is_extended() {
        let size = be32(rest);
        // Version 4 counts these four bytes as well.
        let size = if header.version == 4 { synchsafe(size) } else { size.saturating_add(4) };
        rest = rest.get(length(size)..).ok_or(DAMAGED)?;
    }
    while let Some((head, behind)) = rest.split_first_chunk::<10>().filter(|(head, _)| head.first() != Some(&0)) {
        let size = be32(head.get(4..).unwrap_or_default());
        let size = if header.version == 4 { synchsafe(size) } else { size };
        let (frame, behind) = behind.split_at_checked(length(size)).ok_or(DAMAGED)?;
        rest = behind;
        if !head.starts_with(b"TXXX") {
            continue;
        }
        let form = if header.version == 4 { head.last().copied().unwrap_or_default() } else { 0 };
        // Compressed and encrypted ones are not read.
        if form & 0x0c != 0 {
            continue;
        }
        // A length may stand before the frame.
        let frame = if form & 0x01 == 0 { frame } else { frame.get(4..).unwrap_or_default() };
        if form & 0x02 == 0 {
            take_text(frame, found);
        } else {
            take_text(&without_unsynchronisation(frame), found);
        }
    }
    Ok(())
}

/// An encoding, a key, and its value.
fn take_text(frame: &[u8], found: &mut Found) {
    let Some((encoding, text)) = frame.split_first() else { return };
    let text = match encoding {
        1 | 2 => utf16(text, *encoding == 2).into_bytes(),
        _ => text.to_vec(),
    };
    let mut halves = text.splitn(2, |byte| *byte == 0);
    if let (Some(key), Some(value)) = (halves.next().and_then(Key::of), halves.next()) {
        found.take(key, value.strip_prefix("\u{feff}".as_bytes()).unwrap_or(value));
    }
}

/// Key and value each may begin with a mark of their byte order; it is that of the first here.
fn utf16(bytes: &[u8], is_big: bool) -> String {
    let is_big = is_big || bytes.starts_with(&[0xfe, 0xff]);
    let unit = |pair: &[u8; 2]| if is_big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let (pairs, _) = bytes.as_chunks::<2>();
    let text: String =
        char::decode_utf16(pairs.iter().map(unit)).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned)
}

fn without_unsynchronisation(bytes: &[u8]) -> Vec<u8> {
    let mut before = 0;
    let kept = bytes.iter().filter(|byte| {
        let is_kept = !(before == 0xff && **byte == 0);
        before = **byte;
        is_kept
    });
    kept.copied().collect()
}

/// Seven bits of each byte.
const fn synchsafe(number: u32) -> u32 {
    number & 0x7f | (number >> 8 & 0x7f) << 7 | (number >> 16 & 0x7f) << 14 | (number >> 24 & 0x7f) << 21
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_encodings_are_read() {
        let wide = |text: &str, big: bool| -> Vec<u8> {
            text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let frames = [
            b"\x00workflow\0{\"a\": 1}".to_vec(),
            b"\x03WORKFLOW\0{\"a\": 1}\0".to_vec(),
            [b"\x01".to_vec(), wide("\u{feff}workflow\0\u{feff}{\"a\": 1}", false)].concat(),
            [b"\x02".to_vec(), wide("workflow\0{\"a\": 1}", true)].concat(),
        ];
        for frame in frames {
            let mut found = Found::default();
            take_text(&frame, &mut found);
            let carried = found.into_carried(super::super::Carrier::Mp3).unwrap();
            assert_eq!(carried.workflow.as_deref(), Some("{\"a\": 1}"), "{frame:?}");
        }
    }

    #[test]
    fn sizes_have_seven_bits_a_byte() {
        assert_eq!(synchsafe(0x0000_0201), 257);
        assert_eq!(without_unsynchronisation(&[1, 0xff, 0, 0xe0, 0xff, 0, 0]), [1, 0xff, 0xe0, 0xff, 0]);
    }
}
