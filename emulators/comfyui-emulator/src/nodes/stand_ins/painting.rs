//! The picture that the sampler paints: soft discs over a slope of colours, all from a digest.

use image::{Rgb, RgbImage};
use sha2::{Digest, Sha256};

use crate::image_batch::{ImageBatch, ImageBatchError, to_byte};

/// How many discs there are.
const DISCS: usize = 4;

struct Disc {
    y: f32,
    x: f32,
    radius: f32,
    color: [f32; 3],
}

/// A picture that can be painted in any size. Each picture of a batch is another one.
pub(super) struct Painting {
    digest: Vec<u8>,
}

impl Painting {
    /// The painting of these texts.
    pub(super) fn new(texts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self { digest: hash.finalize().to_vec() }
    }

    /// The finished picture over what was there: all of it if `denoise` is 1.
    pub(super) fn paint(&self, latent: &ImageBatch, denoise: f32) -> Result<ImageBatch, ImageBatchError> {
        let views: Vec<View> = (0..latent.count()).map(|picture| self.view(picture)).collect();
        let (height, width) = (latent.height(), latent.width());
        ImageBatch::from_fn(latent.count(), height, width, 3, |picture, y, x, channel| {
            let painted = views.get(picture).map_or(0.5, |view| view.sample(part(y, height), part(x, width), channel));
            let before = latent.sample(picture, y, x, channel);
            before + (painted - before) * denoise
        })
    }

    /// The first picture in small, on its way out of the grey.
    pub(super) fn sketch(&self, latent: &ImageBatch, progress: f32, scale: usize) -> RgbImage {
        let side = |side: usize| u32::try_from((side / scale).max(1)).unwrap_or(1);
        let (width, height) = (side(latent.width()), side(latent.height()));
        let view = self.view(0);
        RgbImage::from_fn(width, height, |x, y| {
            let (y, x) = (part(y as usize, height as usize), part(x as usize, width as usize));
            let sample = |channel| to_byte(0.5 + (view.sample(y, x, channel) - 0.5) * progress);
            Rgb([sample(0), sample(1), sample(2)])
        })
    }

    fn view(&self, picture: usize) -> View {
        let mut hash = Sha256::new();
        hash.update(&self.digest);
        hash.update((picture as u64).to_be_bytes());
        let first = hash.finalize();
        let second = Sha256::digest(first);
        let mut parts = first.iter().chain(second.iter()).map(|byte| f32::from(*byte) / 255.0);
        let mut next = || parts.next().unwrap_or(0.5);
        let mut color = || [next(), next(), next()];
        let (top, bottom) = (color(), color());
        let discs = (0..DISCS)
            .map(|_| {
                let [y, x, radius] = color();
                Disc { y, x, radius: 0.1 + 0.3 * radius, color: color() }
            })
            .collect();
        View { top, bottom, discs }
    }
}

/// Where in the picture a pixel's middle is, from 0 to 1.
fn part(index: usize, length: usize) -> f32 {
    (index as f32 + 0.5) / length as f32
}

struct View {
    top: [f32; 3],
    bottom: [f32; 3],
    discs: Vec<Disc>,
}

impl View {
    fn sample(&self, y: f32, x: f32, channel: usize) -> f32 {
        let of = |color: &[f32; 3]| color.get(channel).copied().unwrap_or_default();
        let mut sample = of(&self.top) + (of(&self.bottom) - of(&self.top)) * (y + x) / 2.0;
        for disc in &self.discs {
            let distance = (disc.y - y).hypot(disc.x - x);
            let cover = ((disc.radius - distance) / disc.radius * 2.0).clamp(0.0, 1.0);
            sample += (of(&disc.color) - sample) * cover;
        }
        sample.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Painting;
    use crate::image_batch::ImageBatch;

    fn grey() -> ImageBatch {
        ImageBatch::from_fn(2, 16, 16, 3, |_, _, _, _| 0.5).unwrap()
    }

    #[test]
    fn the_same_texts_paint_the_same_picture_and_others_another() {
        let paint = |texts: &[&str]| Painting::new(texts).paint(&grey(), 1.0).unwrap();
        assert_eq!(paint(&["a cat", "1"]), paint(&["a cat", "1"]));
        assert_ne!(paint(&["a cat", "1"]), paint(&["a cat", "2"]));
        assert_ne!(paint(&["ab", "c"]), paint(&["a", "bc"]));
        let batch = paint(&["a cat"]);
        assert_ne!(batch.slice(0, 1).unwrap(), batch.slice(1, 1).unwrap());
    }

    #[test]
    fn denoise_0_leaves_the_picture_alone() {
        assert_eq!(Painting::new(&["x"]).paint(&grey(), 0.0).unwrap(), grey());
    }
}
