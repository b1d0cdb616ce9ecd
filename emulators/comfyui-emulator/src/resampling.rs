//! Scaling, as PyTorch's `interpolate` (and Pillow's `resize` for lanczos) does it for ComfyUI's
//! `common_upscale` (its `comfy/utils.py`).

use image::imageops::{self, FilterType};

use crate::image_batch::{ImageBatch, ImageBatchError};

/// How to scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    NearestExact,
    Bilinear,
    Area,
    Bicubic,
    Lanczos,
}

impl Method {
    /// The names that `ImageScale` knows.
    pub(crate) const NAMES: [&str; 5] = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "nearest-exact" => Some(Self::NearestExact),
            "bilinear" => Some(Self::Bilinear),
            "area" => Some(Self::Area),
            "bicubic" => Some(Self::Bicubic),
            "lanczos" => Some(Self::Lanczos),
            _ => None,
        }
    }
}

/// Scales every picture; with `center` the longer side is cut first, so that nothing is distorted.
pub(crate) fn scale(
    batch: &ImageBatch,
    width: usize,
    height: usize,
    method: Method,
    center: bool,
) -> Result<ImageBatch, ImageBatchError> {
    ImageBatch::check_size(batch.count(), height, width)?;
    let source = if center { cut_to_aspect(batch, width, height)? } else { batch.clone() };
    if method == Method::Lanczos {
        return lanczos(&source, width, height);
    }
    let rows = weights(source.height(), height, method);
    let columns = weights(source.width(), width, method);
    let channels = source.channels();

    // First along the rows, then along the columns: all these filters are separable.
    let narrow = ImageBatch::from_fn(source.count(), source.height(), width, channels, |n, y, x, c| {
        let taps = columns.get(x).map(Vec::as_slice).unwrap_or_default();
        taps.iter().map(|&(from, weight)| weight * source.sample(n, y, from, c)).sum()
    })?;
    ImageBatch::from_fn(source.count(), height, width, channels, |n, y, x, c| {
        let taps = rows.get(y).map(Vec::as_slice).unwrap_or_default();
        taps.iter().map(|&(from, weight)| weight * narrow.sample(n, from, x, c)).sum()
    })
}

fn cut_to_aspect(batch: &ImageBatch, width: usize, height: usize) -> Result<ImageBatch, ImageBatchError> {
    let old = batch.width() as f64 / batch.height() as f64;
    let new = width as f64 / height as f64;
    let (mut x, mut y) = (0, 0);
    if old > new {
        let side = batch.width() as f64;
        x = round((side - side * (new / old)) / 2.0);
    } else if old < new {
        let side = batch.height() as f64;
        y = round((side - side * (old / new)) / 2.0);
    }
    batch.crop(y, x, batch.height().saturating_sub(y * 2), batch.width().saturating_sub(x * 2))
}

/// Python's `round`, for sizes: halves go to the even neighbour.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn round(value: f64) -> usize {
    value.round_ties_even() as usize
}

/// For every target index the source indices and their weights.
fn weights(source: usize, target: usize, method: Method) -> Vec<Vec<(usize, f32)>> {
    let ratio = source as f64 / target as f64;
    let last = source.saturating_sub(1);
    let clamp = |index: f64| round(index.clamp(0.0, last as f64));
    (0..target)
        .map(|index| {
            let centre = (index as f64 + 0.5) * ratio;
            match method {
                Method::NearestExact | Method::Lanczos => vec![(clamp(centre.floor()), 1.0)],
                Method::Bilinear => {
                    let position = (centre - 0.5).max(0.0);
                    let floor = position.floor();
                    let part = (position - floor) as f32;
                    vec![(clamp(floor), 1.0 - part), (clamp(floor + 1.0), part)]
                }
                Method::Area => {
                    let start = index * source / target;
                    let end = ((index + 1) * source).div_ceil(target).max(start + 1);
                    let weight = 1.0 / (end - start) as f32;
                    (start..end).map(|from| (from.min(last), weight)).collect()
                }
                Method::Bicubic => {
                    let position = centre - 0.5;
                    let floor = position.floor();
                    let part = position - floor;
                    (-1..3)
                        .map(|tap| {
                            let tap = f64::from(tap);
                            (clamp(floor + tap), cubic((part - tap).abs()) as f32)
                        })
                        .collect()
                }
            }
        })
        .collect()
}

/// The cubic convolution kernel with PyTorch's a = -0.75.
fn cubic(distance: f64) -> f64 {
    const A: f64 = -0.75;
    if distance <= 1.0 {
        ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
    } else if distance < 2.0 {
        ((A * distance - 5.0 * A) * distance + 8.0 * A) * distance - 4.0 * A
    } else {
        0.0
    }
}

/// ComfyUI goes through 8-bit pictures here, and so do we.
fn lanczos(batch: &ImageBatch, width: usize, height: usize) -> Result<ImageBatch, ImageBatchError> {
    let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let mut samples = Vec::with_capacity(batch.count() * width * height * batch.channels());
    let mut scaled = Vec::with_capacity(batch.channels().div_ceil(3));
    for picture in 0..batch.count() {
        scaled.clear();
        for first in (0..batch.channels()).step_by(3) {
            let source = image::RgbImage::from_fn(size(batch.width()), size(batch.height()), |x, y| {
                let byte = |channel: usize| {
                    let sample = batch.sample(picture, y as usize, x as usize, first + channel);
                    crate::image_batch::to_byte(sample)
                };
                image::Rgb([byte(0), byte(1), byte(2)])
            });
            let filter = FilterType::Lanczos3;
            scaled.push(imageops::resize(&source, size(width), size(height), filter));
        }
        for y in 0..size(height) {
            for x in 0..size(width) {
                for channel in 0..batch.channels() {
                    let byte = scaled
                        .get(channel / 3)
                        .and_then(|image| image.get_pixel_checked(x, y))
                        .and_then(|pixel| pixel.0.get(channel % 3))
                        .copied()
                        .unwrap_or_default();
                    samples.push(f32::from(byte) / 255.0);
                }
            }
        }
    }
    ImageBatch::new(batch.count(), height, width, batch.channels(), samples)
}

#[cfg(test)]
mod tests {
    use super::{Method, round, scale};
    use crate::image_batch::ImageBatch;

    fn line(samples: &[f32]) -> ImageBatch {
        ImageBatch::new(1, 1, samples.len(), 1, samples.to_vec()).unwrap()
    }

    fn scaled(samples: &[f32], width: usize, method: Method) -> Vec<f32> {
        scale(&line(samples), width, 1, method, false).unwrap().samples().to_vec()
    }

    /// The expected values are what `torch.nn.functional.interpolate` gives for these lines.
    #[test]
    fn methods_agree_with_pytorch_on_short_lines() {
        let source = [0.0, 1.0];
        assert_eq!(scaled(&source, 4, Method::NearestExact), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(scaled(&source, 4, Method::Bilinear), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(scaled(&[0.0, 1.0, 0.5], 2, Method::Area), [0.5, 0.75]);
        let cubic = scaled(&source, 4, Method::Bicubic);
        let expected = [-0.105_468_75, 0.226_562_5, 0.773_437_5, 1.105_468_8];
        for (got, wanted) in cubic.iter().zip(expected) {
            assert!((got - wanted).abs() < 1e-6, "{cubic:?}");
        }
    }

    #[test]
    fn one_colour_stays_one_colour() {
        let source = ImageBatch::from_fn(2, 7, 5, 3, |_, _, _, c| [0.2, 0.4, 0.6][c]).unwrap();
        for method in [Method::NearestExact, Method::Bilinear, Method::Area, Method::Bicubic, Method::Lanczos] {
            let result = scale(&source, 9, 3, method, true).unwrap();
            assert_eq!((result.count(), result.width(), result.height()), (2, 9, 3));
            for (index, sample) in result.samples().iter().enumerate() {
                assert!((sample - [0.2, 0.4, 0.6][index % 3]).abs() < 1e-5, "{method:?} {sample}");
            }
        }
    }

    #[test]
    fn center_takes_the_middle() {
        let result = scale(&line(&[0.0, 0.1, 0.5, 0.9, 1.0]), 1, 1, Method::NearestExact, true).unwrap();
        assert_eq!(result.samples(), [0.5]);
        assert_eq!((round(0.5), round(1.5), round(2.5)), (0, 2, 2));
    }
}
