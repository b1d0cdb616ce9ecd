//! WebP: a RIFF file with the EXIF data in a chunk behind the pictures.

use super::exif;
use super::found::{Found, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want, le32, length};

#[derive(Default)]
pub(super) struct Riff {
    is_exif: bool,
    has_begun: bool,
}

impl Walk for Riff {
    fn start(&self) -> Want {
        Want::Bytes(12)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        if std::mem::take(&mut self.is_exif) {
            exif::read(bytes, found)?;
            return Ok(Want::Nothing);
        }
        if !std::mem::replace(&mut self.has_begun, true) || bytes.is_empty() {
            return Ok(Want::Next(8));
        }
        let size = le32(bytes.get(4..).unwrap_or_default());
        if !bytes.starts_with(b"EXIF") {
            // Chunks begin at even offsets.
            return Ok(Want::Skip(u64::from(size) + u64::from(size & 1)));
        }
        if length(size) > MAX_TEXT_BYTES {
            return Err(Fault::TooLong);
        }
        self.is_exif = true;
        Ok(Want::Bytes(length(size)))
    }
}
