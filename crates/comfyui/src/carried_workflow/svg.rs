//! SVG: a JSON object in a CDATA section of `metadata`, which `SaveSVGNode` puts behind the first tag
//! (`comfy_extras/nodes_images.py`).

use super::found::{Found, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want};

/// Whether this text begins an SVG picture: behind a declaration and comments there may be.
pub(super) fn is_svg(text: &[u8]) -> bool {
    text.windows(4).any(|window| window == b"<svg")
}

pub(super) struct Svg;

impl Walk for Svg {
    fn start(&self) -> Want {
        Want::Rest(MAX_TEXT_BYTES)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        let mut rest = bytes;
        while let Some(inside) = after(rest, b"<metadata") {
            let end = position(inside, b"</metadata").unwrap_or(inside.len());
            let (metadata, behind) = inside.split_at_checked(end).unwrap_or((inside, &[]));
            rest = behind;
            if let Some(data) = after(metadata, b"<![CDATA[")
                && let Some(data) = position(data, b"]]>").and_then(|end| data.get(..end))
                && data.trim_ascii_start().starts_with(b"{")
            {
                found.take_object(data)?;
            }
        }
        Ok(Want::Nothing)
    }
}

fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

fn after<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    text.get(position(text, word)? + word.len()..)
}
