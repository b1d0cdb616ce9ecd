//! PNG files with ComfyUI's text chunks.

use image::RgbaImage;
use png::{BitDepth, ColorType, Compression, Encoder};

/// The most text a PNG from outside may carry before it is refused.
const MAX_TEXT: usize = 16 << 20;

/// Encodes pixels of 8 bits per channel, row by row, with `tEXt` chunks before the pixels, which
/// is where Pillow puts them.
pub(crate) fn encode(
    pixels: &[u8],
    width: u32,
    height: u32,
    color: ColorType,
    texts: &[(String, String)],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    for (keyword, text) in texts {
        encoder.add_text_chunk(keyword.clone(), text.clone())?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

/// Encodes an RGBA picture.
pub(crate) fn encode_rgba(picture: &RgbaImage, texts: &[(String, String)]) -> Result<Vec<u8>, png::EncodingError> {
    encode(picture.as_raw(), picture.width(), picture.height(), ColorType::Rgba, texts)
}

/// The `tEXt` chunks of a PNG; none if the file is no PNG.
pub(crate) fn texts(file: &[u8]) -> Vec<(String, String)> {
    let limits = png::Limits { bytes: MAX_TEXT };
    let decoder = png::Decoder::new_with_limits(std::io::Cursor::new(file), limits);
    let Ok(reader) = decoder.read_info() else { return Vec::new() };
    reader.info().uncompressed_latin1_text.iter().map(|chunk| (chunk.keyword.clone(), chunk.text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::{encode, texts};

    #[test]
    fn texts_come_back_and_stand_before_the_pixels() {
        let written = vec![("prompt".to_owned(), "{}".to_owned())];
        let file = encode(&[1, 2, 3], 1, 1, png::ColorType::Rgb, &written).unwrap();
        assert_eq!(texts(&file), written);
        let position = |name: &[u8]| file.windows(4).position(|window| window == name).unwrap();
        assert!(position(b"tEXt") < position(b"IDAT"));
        assert_eq!(texts(b"no picture"), Vec::new());
    }
}
