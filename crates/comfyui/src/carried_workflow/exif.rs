//! EXIF, as ComfyUI writes it into WebP: a text per key, `workflow:{…}` and `prompt:{…}`, under `Make`, `Model` and the
//! tags before them (`comfy_api/latest/_ui.py`).

use super::found::{Found, Key};
use super::walk::{Fault, length};

const DAMAGED: Fault = Fault::Damaged("its EXIF data are broken");
/// The type of texts.
const ASCII: u16 = 2;

/// Looks through the texts of the first directory. Some writers put their name before the data.
pub(super) fn read(bytes: &[u8], found: &mut Found) -> Result<(), Fault> {
    let bytes = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let is_little = match bytes.get(..2) {
        Some(b"II") => true,
        Some(b"MM") => false,
        _ => return Err(DAMAGED),
    };
    let number = |at: usize, size: usize| -> Option<u32> {
        let digits = bytes.get(at..at.checked_add(size)?)?;
        let shifted = |number: u32, digit: &u8| number << 8 | u32::from(*digit);
        Some(if is_little { digits.iter().rev().fold(0, shifted) } else { digits.iter().fold(0, shifted) })
    };
    let directory = length(number(4, 4).ok_or(DAMAGED)?);
    let entries = number(directory, 2).ok_or(DAMAGED)?;
    for entry in 0..length(entries) {
        let at = directory.saturating_add(2).saturating_add(entry * 12);
        let kind = number(at.saturating_add(2), 2).ok_or(DAMAGED)?;
        let count = length(number(at.saturating_add(4), 4).ok_or(DAMAGED)?);
        if kind != u32::from(ASCII) || count <= 4 {
            continue;
        }
        let offset = length(number(at.saturating_add(8), 4).ok_or(DAMAGED)?);
        // Other entries may be broken without harm.
        let Some(text) = offset.checked_add(count).and_then(|end| bytes.get(offset..end)) else { continue };
        let Some(colon) = text.iter().take(16).position(|byte| *byte == b':') else { continue };
        if let (Some(key), Some(value)) = (text.get(..colon).and_then(Key::of), text.get(colon + 1..)) {
            found.take(key, value);
        }
    }
    Ok(())
}
