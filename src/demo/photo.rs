//! The photo that goes in, and what must come out.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::Failure;

const WIDTH: u32 = 960;
const HEIGHT: u32 = 640;

/// A landscape: sky, sun, hills.
pub(super) fn photo() -> RgbImage {
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(WIDTH), f64::from(y) / f64::from(HEIGHT));
        let hills = 0.62 + 0.07 * (u * 9.0).sin() + 0.03 * (u * 23.0 + 1.0).sin();
        let to_sun = ((u - 0.7).powi(2) * 2.25 + (v - 0.3).powi(2)).sqrt();
        if v > hills {
            let depth = (v - hills) / (1.0 - hills);
            shade([70.0, 130.0, 60.0], [20.0, 50.0, 30.0], depth)
        } else if to_sun < 0.09 {
            Rgb([255, 236, 170])
        } else {
            shade([90.0, 150.0, 230.0], [250.0, 190.0, 140.0], (v / hills).powi(2))
        }
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two colours")]
fn shade(from: [f64; 3], to: [f64; 3], share: f64) -> Rgb<u8> {
    let share = share.clamp(0.0, 1.0);
    let [red, green, blue] = [0, 1, 2].map(|channel: usize| {
        let (from, to) = (from.get(channel).unwrap_or(&0.0), to.get(channel).unwrap_or(&0.0));
        (from + (to - from) * share) as u8
    });
    Rgb([red, green, blue])
}

pub(super) fn png(picture: &RgbImage) -> Result<Vec<u8>, Failure> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// The negative, as ComfyUI's ImageInvert makes it.
pub(super) fn inverted(photo: &RgbImage) -> RgbImage {
    let mut picture = photo.clone();
    for pixel in picture.pixels_mut() {
        for channel in &mut pixel.0 {
            *channel = 255 - *channel;
        }
    }
    picture
}

/// The largest difference of any channel of any pixel; `None` for pictures of different sizes.
pub(super) fn difference(a: &RgbImage, b: &RgbImage) -> Option<u8> {
    if a.dimensions() != b.dimensions() {
        return None;
    }
    a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b)).max()
}
