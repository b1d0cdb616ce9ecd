//! Pictures as files, and their pixels.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A picture whose every pixel is another.
pub(crate) fn photo(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x % 256) as u8, (y % 256) as u8, ((x / 256) * 16 + y / 256) as u8]))
}

/// A picture of one colour.
pub(crate) fn plain(rgb: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(8, 8, Rgb(rgb))
}

pub(crate) fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn pixels(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).unwrap().to_rgb8()
}
