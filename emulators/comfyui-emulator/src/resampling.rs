//! Scaling, as PyTorch's `interpolate` (and Pillow's `resize` for lanczos) does it for ComfyUI's
//! `common_upscale` (its `comfy/utils.py`).

use std::f64::consts::PI;

use crate::image_batch::{ImageBatch, ImageBatchError, to_byte};

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

/// ComfyUI goes through 8-bit pictures here, and Pillow through fixed-point numbers: along one side, to bytes, and along
/// the other, to bytes again (`ImagingResample` in its `Resample.c`). So do we, to the same bytes, and like Pillow 13 in
/// the order that leaves less to do between; older ones always begin with the rows.
fn lanczos(batch: &ImageBatch, width: usize, height: usize) -> Result<ImageBatch, ImageBatchError> {
    let bytes = ImageBatch::from_fn(batch.count(), batch.height(), batch.width(), batch.channels(), |n, y, x, c| {
        f32::from(to_byte(batch.sample(n, y, x, c))) / 255.0
    })?;
    if height < batch.height() && width > batch.width() {
        lanczos_rows(&lanczos_columns(&bytes, height)?, width)
    } else {
        lanczos_columns(&lanczos_rows(&bytes, width)?, height)
    }
}

/// Along the rows, to another width. The samples are bytes before and after.
fn lanczos_rows(batch: &ImageBatch, width: usize) -> Result<ImageBatch, ImageBatchError> {
    let weights = lanczos_weights(batch.width(), width);
    ImageBatch::from_fn(batch.count(), batch.height(), width, batch.channels(), |n, y, x, c| {
        fixed_point_sum(weights.get(x), |from| batch.sample(n, y, from, c))
    })
}

/// Along the columns, to another height. The samples are bytes before and after.
fn lanczos_columns(batch: &ImageBatch, height: usize) -> Result<ImageBatch, ImageBatchError> {
    let weights = lanczos_weights(batch.height(), height);
    ImageBatch::from_fn(batch.count(), height, batch.width(), batch.channels(), |n, y, x, c| {
        fixed_point_sum(weights.get(y), |from| batch.sample(n, from, x, c))
    })
}

/// Bits behind the point of Pillow's weights for bytes.
const PRECISION: u32 = 22;

#[expect(clippy::cast_possible_truncation, reason = "a sample is a byte of 255")]
fn fixed_point_sum(taps: Option<&Vec<(usize, i64)>>, sample: impl Fn(usize) -> f32) -> f32 {
    let half = 1_i64 << (PRECISION - 1);
    let sum = taps.into_iter().flatten().fold(half, |sum, &(from, weight)| {
        let byte = (sample(from) * 255.0).round() as i64;
        sum + byte * weight
    });
    (sum >> PRECISION).clamp(0, 255) as f32 / 255.0
}

/// For every target index the source indices and their weights, as `precompute_coeffs` of Pillow makes them.
fn lanczos_weights(source: usize, target: usize) -> Vec<Vec<(usize, i64)>> {
    const RADIUS: f64 = 3.0;
    let scale = source as f64 / target as f64;
    let filter_scale = scale.max(1.0);
    let support = RADIUS * filter_scale;
    (0..target)
        .map(|index| {
            let centre = (index as f64 + 0.5) * scale;
            let first = to_index(centre - support + 0.5);
            let end = to_index(centre + support + 0.5).min(source);
            let taps: Vec<(usize, f64)> =
                (first..end).map(|from| (from, lanczos_kernel((from as f64 - centre + 0.5) / filter_scale))).collect();
            let sum: f64 = taps.iter().map(|(_, weight)| weight).sum();
            let one = f64::from(1_u32 << PRECISION);
            taps.into_iter().map(|(from, weight)| (from, (weight / sum * one).round() as i64)).collect()
        })
        .collect()
}

/// The whole part; 0 for what lies before the picture.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn to_index(position: f64) -> usize {
    position as usize
}

fn lanczos_kernel(distance: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-3.0..3.0).contains(&distance) { sinc(distance) * sinc(distance / 3.0) } else { 0.0 }
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

    /// The expected bytes are what Pillow 13 gives for this line: `Image.resize` with `LANCZOS`.
    #[test]
    fn lanczos_agrees_with_pillow_to_the_byte() {
        let source = [0_u8, 255, 30, 200, 200, 7].map(|byte| f32::from(byte) / 255.0);
        let bytes = |width| -> Vec<u8> {
            let samples = scaled(&source, width, Method::Lanczos);
            samples.into_iter().map(|sample| (sample * 255.0).round() as u8).collect()
        };
        assert_eq!(bytes(9), [0, 141, 246, 55, 79, 228, 228, 90, 0]);
        assert_eq!(bytes(4), [103, 126, 186, 78]);
    }

    /// As above. A picture that grows in width and shrinks in height is scaled along the columns first.
    #[test]
    fn lanczos_agrees_with_pillow_on_both_orders() {
        let samples = [0_u8, 255, 30, 200, 200, 7, 255, 0, 255, 90, 13, 240].map(|byte| f32::from(byte) / 255.0);
        let source = ImageBatch::new(1, 4, 3, 1, samples.to_vec()).unwrap();
        let bytes = |width, height| -> Vec<u8> {
            let scaled = scale(&source, width, height, Method::Lanczos, false).unwrap();
            scaled.samples().iter().map(|sample| (sample * 255.0).round() as u8).collect()
        };
        assert_eq!(bytes(5, 3), [8, 137, 255, 106, 0, 255, 196, 96, 104, 140, 155, 62, 0, 158, 255]);
        assert_eq!(bytes(2, 6), [93, 133, 158, 95, 222, 78, 172, 135, 83, 161, 40, 155]);
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
