//! The binary frames of the WebSocket (ComfyUI's `protocol.py`, and `send_image` and
//! `send_image_with_metadata` of its `server.py`). All integers are big endian.

use std::io::Cursor;

use bytes::{BufMut, Bytes, BytesMut};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use serde_json::{Map, Value};

use crate::json_text::to_text;

const PREVIEW_IMAGE: u32 = 1;
const TEXT: u32 = 3;
const PREVIEW_IMAGE_WITH_METADATA: u32 = 4;

const JPEG_QUALITY: u8 = 95;

/// How a preview is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreviewFormat {
    /// What samplers send.
    Jpeg,
    /// What `SaveImageWebsocket` sends.
    Png,
}

/// A picture that goes with a progress tick.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The picture.
    pub picture: RgbImage,
    /// How it is encoded.
    pub format: PreviewFormat,
    /// The longer side is scaled to this, up or down; the picture stays as it is if `None`.
    pub max_side: Option<u32>,
}

impl Preview {
    fn encode(&self) -> Result<Vec<u8>, image::ImageError> {
        let scaled = self.max_side.map(|side| contain(&self.picture, side));
        let picture = scaled.as_ref().unwrap_or(&self.picture);
        let mut file = Vec::new();
        match self.format {
            PreviewFormat::Jpeg => {
                JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY).encode_image(picture)?;
            }
            PreviewFormat::Png => picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png)?,
        }
        Ok(file)
    }

    /// Type 1: u32 type, u32 format (1 JPEG, 2 PNG), the file.
    pub(crate) fn to_frame(&self) -> Result<Bytes, image::ImageError> {
        let file = self.encode()?;
        let mut frame = BytesMut::with_capacity(8 + file.len());
        frame.put_u32(PREVIEW_IMAGE);
        frame.put_u32(match self.format {
            PreviewFormat::Jpeg => 1,
            PreviewFormat::Png => 2,
        });
        frame.put_slice(&file);
        Ok(frame.freeze())
    }

    /// Type 4: u32 type, u32 length, JSON of that length, the file.
    pub(crate) fn to_frame_with(&self, mut metadata: Map<String, Value>) -> Result<Bytes, image::ImageError> {
        let mime = match self.format {
            PreviewFormat::Jpeg => "image/jpeg",
            PreviewFormat::Png => "image/png",
        };
        metadata.insert("image_type".to_owned(), Value::from(mime));
        let metadata = to_text(&Value::Object(metadata));
        let file = self.encode()?;
        let mut frame = BytesMut::with_capacity(8 + metadata.len() + file.len());
        frame.put_u32(PREVIEW_IMAGE_WITH_METADATA);
        frame.put_u32(u32::try_from(metadata.len()).unwrap_or(u32::MAX));
        frame.put_slice(metadata.as_bytes());
        frame.put_slice(&file);
        Ok(frame.freeze())
    }
}

/// Type 3: u32 type, u32 length, node id of that length, text.
pub(crate) fn text_frame(node_id: &str, text: &str) -> Bytes {
    let mut frame = BytesMut::with_capacity(8 + node_id.len() + text.len());
    frame.put_u32(TEXT);
    frame.put_u32(u32::try_from(node_id.len()).unwrap_or(u32::MAX));
    frame.put_slice(node_id.as_bytes());
    frame.put_slice(text.as_bytes());
    frame.freeze()
}

/// Pillow's `ImageOps.contain`: the largest picture of the same shape in a square.
fn contain(picture: &RgbImage, side: u32) -> RgbImage {
    let longer = picture.width().max(picture.height()).max(1);
    let scale = |length: u32| {
        let scaled = f64::from(length) * f64::from(side) / f64::from(longer);
        u32::try_from(crate::resampling::round(scaled)).unwrap_or(side).max(1)
    };
    let (width, height) = (scale(picture.width()), scale(picture.height()));
    imageops::resize(picture, width, height, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;
    use serde_json::{Map, json};

    use super::{Preview, PreviewFormat, text_frame};

    #[test]
    fn previews_fill_their_square() {
        let preview = Preview { picture: RgbImage::new(16, 8), format: PreviewFormat::Png, max_side: Some(64) };
        let frame = preview.to_frame().unwrap();
        assert_eq!(frame[..8], [0, 0, 0, 1, 0, 0, 0, 2]);
        let picture = image::load_from_memory(&frame[8..]).unwrap();
        assert_eq!((picture.width(), picture.height()), (64, 32));
    }

    #[test]
    fn metadata_stands_before_the_picture() {
        let preview = Preview { picture: RgbImage::new(4, 4), format: PreviewFormat::Jpeg, max_side: None };
        let metadata = Map::from_iter([("node_id".to_owned(), json!("2"))]);
        let frame = preview.to_frame_with(metadata).unwrap();
        let text = br#"{"node_id": "2", "image_type": "image/jpeg"}"#;
        assert_eq!(frame[..8], [0, 0, 0, 4, 0, 0, 0, text.len() as u8]);
        assert_eq!(frame[8..8 + text.len()], text[..]);
        assert_eq!(frame[8 + text.len()..][..2], [0xff, 0xd8]);
    }

    #[test]
    fn a_text_frame_names_its_node() {
        assert_eq!(&text_frame("2", "ok")[..], b"\0\0\0\x03\0\0\0\x012ok");
    }
}
