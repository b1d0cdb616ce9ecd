//! Pictures as ComfyUI's nodes hand them on: batches of float pictures, channels last.

use std::fmt;
use std::sync::Arc;

use image::{Rgb, RgbImage};

/// The longest side of a picture, ComfyUI's `MAX_RESOLUTION` (its `nodes.py`).
pub const MAX_SIDE: usize = 16_384;

/// The most pixels a batch may have. ComfyUI has no such bound and dies of its memory instead.
pub const MAX_PIXELS: usize = 1 << 26;

/// Why a batch cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageBatchError {
    /// A side or the batch is empty, or too big.
    #[error(
        "{count} pictures of {width} x {height} pixels are not possible here: sides go from 1 to \
         {MAX_SIDE} and a batch has at most {MAX_PIXELS} pixels"
    )]
    Size {
        /// How many pictures.
        count: usize,
        /// Their width in pixels.
        width: usize,
        /// Their height in pixels.
        height: usize,
    },
    /// The samples do not fill the shape.
    #[error("{got} samples do not make a batch of {wanted}")]
    Samples {
        /// How many samples the shape has.
        wanted: usize,
        /// How many there are.
        got: usize,
    },
}

/// A batch of pictures of one size: ComfyUI's IMAGE (3 or 4 channels) or MASK (1 channel).
///
/// Samples run from 0 to 1 and lie as in a tensor of shape `[count, height, width, channels]`.
#[derive(Clone, PartialEq)]
pub struct ImageBatch {
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
    samples: Arc<[f32]>,
}

impl ImageBatch {
    /// Makes a batch of samples.
    ///
    /// # Errors
    ///
    /// If a side is 0 or above [`MAX_SIDE`], there are more than [`MAX_PIXELS`] pixels or the
    /// number of samples does not fit.
    pub fn new(
        count: usize,
        height: usize,
        width: usize,
        channels: usize,
        samples: Vec<f32>,
    ) -> Result<Self, ImageBatchError> {
        let wanted = Self::check_size(count, height, width)?.saturating_mul(channels);
        if wanted != samples.len() {
            return Err(ImageBatchError::Samples { wanted, got: samples.len() });
        }
        Ok(Self { count, height, width, channels, samples: samples.into() })
    }

    /// Fills a batch with what `sample(picture, y, x, channel)` gives.
    ///
    /// # Errors
    ///
    /// If a side is 0 or above [`MAX_SIDE`] or there are more than [`MAX_PIXELS`] pixels.
    pub fn from_fn(
        count: usize,
        height: usize,
        width: usize,
        channels: usize,
        mut sample: impl FnMut(usize, usize, usize, usize) -> f32,
    ) -> Result<Self, ImageBatchError> {
        let pixels = Self::check_size(count, height, width)?;
        let mut samples = Vec::with_capacity(pixels.saturating_mul(channels));
        for picture in 0..count {
            for y in 0..height {
                for x in 0..width {
                    for channel in 0..channels {
                        samples.push(sample(picture, y, x, channel));
                    }
                }
            }
        }
        Self::new(count, height, width, channels, samples)
    }

    /// The number of pixels, if the size is possible.
    pub(crate) fn check_size(count: usize, height: usize, width: usize) -> Result<usize, ImageBatchError> {
        let side = 1..=MAX_SIDE;
        let pixels = count.saturating_mul(height).saturating_mul(width);
        if count == 0 || !side.contains(&height) || !side.contains(&width) || pixels > MAX_PIXELS {
            return Err(ImageBatchError::Size { count, width, height });
        }
        Ok(pixels)
    }

    /// How many pictures.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Their height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Their width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// 1 for masks, 3 for RGB, 4 for RGBA.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// All samples in their order.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// One sample; 0 outside the batch.
    #[must_use]
    pub fn sample(&self, picture: usize, y: usize, x: usize, channel: usize) -> f32 {
        if picture >= self.count || y >= self.height || x >= self.width || channel >= self.channels {
            return 0.0;
        }
        let index = ((picture * self.height + y) * self.width + x) * self.channels + channel;
        self.samples.get(index).copied().unwrap_or_default()
    }

    /// The same batch with every sample changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { samples: self.samples.iter().map(|&sample| change(sample)).collect(), ..*self }
    }

    /// Some pictures of the batch; as many as there are.
    pub(crate) fn slice(&self, first: usize, length: usize) -> Result<Self, ImageBatchError> {
        let size = self.height * self.width * self.channels;
        let count = length.min(self.count.saturating_sub(first));
        let samples =
            self.samples.get(first.saturating_mul(size)..(first + count).saturating_mul(size)).unwrap_or_default();
        Self::new(count, self.height, self.width, self.channels, samples.to_vec())
    }

    /// A rectangle of every picture; what lies outside the picture is left out.
    pub(crate) fn crop(&self, y: usize, x: usize, height: usize, width: usize) -> Result<Self, ImageBatchError> {
        let height = height.min(self.height.saturating_sub(y));
        let width = width.min(self.width.saturating_sub(x));
        Self::from_fn(self.count, height, width, self.channels, |picture, row, column, channel| {
            self.sample(picture, y + row, x + column, channel)
        })
    }

    /// One channel of every picture, as a mask.
    pub(crate) fn channel(&self, channel: usize) -> Result<Self, ImageBatchError> {
        Self::from_fn(self.count, self.height, self.width, 1, |picture, y, x, _| self.sample(picture, y, x, channel))
    }

    /// RGB of one channel, RGB of four.
    pub(crate) fn with_channels(&self, channels: usize) -> Result<Self, ImageBatchError> {
        if channels == self.channels {
            return Ok(self.clone());
        }
        Self::from_fn(self.count, self.height, self.width, channels, |picture, y, x, channel| {
            if self.channels == 1 {
                self.sample(picture, y, x, 0)
            } else if channel < self.channels {
                self.sample(picture, y, x, channel)
            } else {
                1.0
            }
        })
    }

    /// All pictures of both batches, which must have one shape.
    pub(crate) fn concatenate(&self, other: &Self) -> Result<Self, ImageBatchError> {
        let mut samples = self.samples.to_vec();
        samples.extend_from_slice(&other.samples);
        let count = self.count.saturating_add(other.count);
        Self::new(count, self.height, self.width, self.channels, samples)
    }

    /// One picture with 8 bits per channel. As in ComfyUI's `SaveImage`, `255 * sample` is cut
    /// to 0..=255 and then truncated, not rounded.
    #[must_use]
    pub fn to_rgb8(&self, picture: usize) -> RgbImage {
        let width = u32::try_from(self.width).unwrap_or_default();
        let height = u32::try_from(self.height).unwrap_or_default();
        RgbImage::from_fn(width, height, |x, y| {
            let sample = |channel: usize| {
                let channel = channel.min(self.channels - 1);
                to_byte(self.sample(picture, y as usize, x as usize, channel))
            };
            Rgb([sample(0), sample(1), sample(2)])
        })
    }

    /// A batch of one picture of 8 bits per channel.
    pub(crate) fn from_rgb8(picture: &RgbImage) -> Result<Self, ImageBatchError> {
        let samples = picture.as_raw().iter().map(|&byte| f32::from(byte) / 255.0).collect();
        Self::new(1, picture.height() as usize, picture.width() as usize, 3, samples)
    }

    /// The text that Python shows for the tensor: four digits, and `...` where a dimension is
    /// longer than twice `edge`.
    pub(crate) fn to_tensor_text(&self, edge: usize) -> String {
        let shape: &[usize] = if self.channels == 1 {
            &[self.count, self.height, self.width]
        } else {
            &[self.count, self.height, self.width, self.channels]
        };
        let mut text = "tensor(".to_owned();
        self.write_dimension(shape, 0, edge, "tensor(".len(), &mut text);
        text.push(')');
        text
    }

    fn write_dimension(&self, shape: &[usize], offset: usize, edge: usize, indent: usize, text: &mut String) {
        let Some((&length, inner)) = shape.split_first() else {
            let sample = self.samples.get(offset).copied().unwrap_or_default();
            text.push_str(&format!("{sample:.4}"));
            return;
        };
        let separator = if inner.is_empty() {
            ", ".to_owned()
        } else {
            format!(",{}{}", "\n".repeat(inner.len()), " ".repeat(indent + 1))
        };
        let step: usize = inner.iter().product();
        text.push('[');
        for index in 0..length {
            if length > 2 * edge && (edge..length - edge).contains(&index) {
                if index == edge {
                    text.push_str(&separator);
                    text.push_str("...");
                }
                continue;
            }
            if index > 0 {
                text.push_str(&separator);
            }
            self.write_dimension(inner, offset + index * step, edge, indent + 1, text);
        }
        text.push(']');
    }
}

impl fmt::Debug for ImageBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, height, width, channels, .. } = self;
        write!(f, "ImageBatch [{count}, {height}, {width}, {channels}]")
    }
}

/// `np.clip(255. * sample, 0, 255).astype(np.uint8)`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
pub(crate) fn to_byte(sample: f32) -> u8 {
    (255.0 * sample).clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::{ImageBatch, ImageBatchError, MAX_SIDE};

    #[test]
    fn every_byte_survives_the_way_through_floats() {
        let bytes: Vec<u8> = (0..=255).collect();
        let picture = image::RgbImage::from_fn(256, 1, |x, _| image::Rgb([bytes[x as usize]; 3]));
        let back = ImageBatch::from_rgb8(&picture).unwrap().to_rgb8(0);
        assert_eq!(back, picture);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let make = |count, height, width| ImageBatch::from_fn(count, height, width, 3, |_, _, _, _| 0.0).map(|_| ());
        assert_eq!(make(1, 1, 1), Ok(()));
        for (count, height, width) in [(0, 1, 1), (1, 0, 1), (1, 1, MAX_SIDE + 1), (4096, 999, 999)] {
            assert_eq!(make(count, height, width), Err(ImageBatchError::Size { count, width, height }));
        }
    }

    #[test]
    fn a_tensor_reads_as_in_python() {
        let batch = ImageBatch::from_fn(1, 2, 7, 3, |_, _, _, channel| channel as f32 / 4.0);
        assert_eq!(
            batch.unwrap().to_tensor_text(2),
            "tensor([[[[0.0000, 0.2500, 0.5000],\n          [0.0000, 0.2500, 0.5000],\n          \
             ...,\n          [0.0000, 0.2500, 0.5000],\n          [0.0000, 0.2500, 0.5000]],\n\n         \
             [[0.0000, 0.2500, 0.5000],\n          [0.0000, 0.2500, 0.5000],\n          ...,\n          \
             [0.0000, 0.2500, 0.5000],\n          [0.0000, 0.2500, 0.5000]]]])"
        );
    }
}
