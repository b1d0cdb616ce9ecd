use bytes::{Buf, Bytes};
use serde::Deserialize;

use super::{Event, FrameError};

/// The kinds of binary frame (`protocol.py`, `BinaryEventTypes`), a big-endian `u32` at the front.
const PREVIEW_IMAGE: u32 = 1;
const TEXT: u32 = 3;
const PREVIEW_IMAGE_WITH_METADATA: u32 = 4;

/// The longest metadata and the longest text that are read.
const MAX_TEXT_BYTES: usize = 64 << 10;

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    prompt_id: Option<String>,
    #[serde(default)]
    node_id: Option<String>,
    #[serde(default)]
    display_node_id: Option<String>,
    #[serde(default)]
    image_type: Option<String>,
}

impl Event {
    /// Reads a binary frame: a preview image, with or without metadata, or a text about a node. The image is not
    /// copied.
    ///
    /// # Errors
    /// [`FrameError::Binary`] when the frame ends too early, or its metadata is too long or no JSON.
    pub fn from_binary(mut frame: Bytes) -> Result<Self, FrameError> {
        match number(&mut frame)? {
            PREVIEW_IMAGE => {
                let media_type = match number(&mut frame)? {
                    1 => "image/jpeg",
                    2 => "image/png",
                    _ => return Err(FrameError::Binary("an image format that is neither JPEG nor PNG")),
                };
                Ok(Self::Preview { prompt_id: None, node: None, media_type, image: frame })
            }
            TEXT => {
                let node = String::from_utf8_lossy(&block(&mut frame)?).into_owned();
                let shown = frame.get(..frame.len().min(MAX_TEXT_BYTES)).unwrap_or_default();
                Ok(Self::NodeText { node, text: String::from_utf8_lossy(shown).into_owned() })
            }
            PREVIEW_IMAGE_WITH_METADATA => {
                let metadata: Metadata = serde_json::from_slice(&block(&mut frame)?)
                    .map_err(|_| FrameError::Binary("metadata that is no JSON object"))?;
                Ok(Self::Preview {
                    prompt_id: metadata.prompt_id,
                    node: metadata.display_node_id.or(metadata.node_id),
                    media_type: match metadata.image_type.as_deref() {
                        Some("image/png") => "image/png",
                        _ => "image/jpeg",
                    },
                    image: frame,
                })
            }
            other => Ok(Self::Other { kind: format!("binary {other}") }),
        }
    }
}

fn number(frame: &mut Bytes) -> Result<u32, FrameError> {
    frame.try_get_u32().map_err(|_| FrameError::Binary("it ends in its header"))
}

/// A block with its length in front.
fn block(frame: &mut Bytes) -> Result<Bytes, FrameError> {
    let length = usize::try_from(number(frame)?).unwrap_or(usize::MAX);
    if length > MAX_TEXT_BYTES {
        return Err(FrameError::Binary("a text that is too long"));
    }
    if length > frame.len() {
        return Err(FrameError::Binary("it ends before its text does"));
    }
    Ok(frame.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(parts: &[&[u8]]) -> Bytes {
        Bytes::from(parts.concat())
    }

    #[test]
    fn the_three_kinds() {
        assert_eq!(
            Event::from_binary(frame(&[&[0, 0, 0, 1, 0, 0, 0, 2], b"png"])).unwrap(),
            Event::Preview { prompt_id: None, node: None, media_type: "image/png", image: Bytes::from_static(b"png") }
        );
        assert_eq!(
            Event::from_binary(frame(&[&[0, 0, 0, 3, 0, 0, 0, 2], "12größe".as_bytes()])).unwrap(),
            Event::NodeText { node: "12".to_owned(), text: "größe".to_owned() }
        );
        let metadata = br#"{"node_id": "5.0", "prompt_id": "p", "display_node_id": "5", "image_type": "image/jpeg"}"#;
        let length = u32::try_from(metadata.len()).unwrap().to_be_bytes();
        assert_eq!(
            Event::from_binary(frame(&[&[0, 0, 0, 4], &length, metadata, b"jpg"])).unwrap(),
            Event::Preview {
                prompt_id: Some("p".to_owned()),
                node: Some("5".to_owned()),
                media_type: "image/jpeg",
                image: Bytes::from_static(b"jpg"),
            }
        );
        assert_eq!(Event::from_binary(frame(&[&[0, 0, 0, 9]])).unwrap(), Event::Other { kind: "binary 9".to_owned() });
    }

    #[test]
    fn cut_and_lying_frames_are_errors() {
        let frames: [&[u8]; 8] = [
            b"",
            &[0, 0, 0],
            &[0, 0, 0, 1],
            &[0, 0, 0, 1, 0, 0, 0, 7, 1],
            &[0, 0, 0, 3, 0, 0, 0, 9, 1],
            &[0, 0, 0, 3, 255, 255, 255, 255],
            &[0, 0, 0, 4, 0, 0, 0, 1, b'{'],
            &[0, 0, 0, 4, 0],
        ];
        for frame in frames {
            assert!(Event::from_binary(Bytes::copy_from_slice(frame)).is_err(), "{frame:?}");
        }
    }
}
