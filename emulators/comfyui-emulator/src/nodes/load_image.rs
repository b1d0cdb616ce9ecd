//! `LoadImage` and `LoadImageMask`.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::{ImageBatch, MAX_PIXELS, MAX_SIDE};
use crate::node::{Files, Fingerprint, Inputs, Node, NodeError, NodeOutput, NodeValue};
use crate::storage::{AnnotatedName, Storage};

/// The side of the empty mask that a picture without alpha gets.
const EMPTY_MASK_SIDE: usize = 64;

pub(super) struct LoadImage;

impl Node for LoadImage {
    fn definition(&self, files: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("LoadImage", "Load Image", Schema::V1)
            .category("image")
            .search_aliases(&[
                "load image",
                "open image",
                "import image",
                "image input",
                "upload image",
                "read image",
                "image loader",
            ])
            .essentials("Basics")
            .input(image_input(files))
            .output("IMAGE")
            .output("MASK")
    }

    fn validates(&self) -> &'static [&'static str] {
        &["image"]
    }

    fn validate(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Result<(), String> {
        validate(inputs, files)
    }

    fn fingerprint(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Fingerprint {
        fingerprint(inputs, files)
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let (image, mask) = load(inputs.text("image")?, execution.storage())?;
        Ok(NodeOutput::values(vec![NodeValue::Image(image), NodeValue::Mask(mask)]))
    }
}

pub(super) struct LoadImageMask;

impl Node for LoadImageMask {
    fn definition(&self, files: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("LoadImageMask", "Load Image (as Mask)", Schema::V1)
            .category("image")
            .search_aliases(&["import mask", "alpha mask", "channel mask"])
            .essentials("Image Tools")
            .input(image_input(files))
            .input(InputDefinition::choice("channel", ["alpha", "red", "green", "blue"]))
            .output("MASK")
    }

    fn validates(&self) -> &'static [&'static str] {
        &["image"]
    }

    fn validate(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Result<(), String> {
        validate(inputs, files)
    }

    fn fingerprint(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Fingerprint {
        fingerprint(inputs, files)
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let (image, mask) = load(inputs.text("image")?, execution.storage())?;
        let mask = match inputs.text("channel")? {
            "red" => image.channel(0)?,
            "green" => image.channel(1)?,
            "blue" => image.channel(2)?,
            _ => mask,
        };
        Ok(NodeValue::Mask(mask).into())
    }
}

fn image_input(files: &Files<'_>) -> InputDefinition {
    InputDefinition::choice("image", files.input_pictures()).with("image_upload", true)
}

/// The name of the picture, whatever JSON it was given as.
fn name(inputs: &Map<String, Value>) -> String {
    match inputs.get("image") {
        Some(Value::String(name)) => name.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    }
}

fn validate(inputs: &Map<String, Value>, files: &Files<'_>) -> Result<(), String> {
    let name = name(inputs);
    let located = AnnotatedName::parse(&name).locate();
    match located {
        Some((folder, path)) if files.0.exists(folder, &path) => Ok(()),
        _ => Err(format!("Invalid image file: {name}")),
    }
}

fn fingerprint(inputs: &Map<String, Value>, files: &Files<'_>) -> Fingerprint {
    let file = AnnotatedName::parse(&name(inputs))
        .locate()
        .and_then(|(folder, path)| files.0.read(folder, &path).ok().flatten());
    match file {
        Some(file) => {
            let digest = Sha256::digest(&file.bytes);
            let text = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Fingerprint::Content(text)
        }
        None => Fingerprint::Unique,
    }
}

fn load(name: &str, storage: &Storage) -> Result<(ImageBatch, ImageBatch), NodeError> {
    let (folder, path) = AnnotatedName::parse(name)
        .locate()
        .ok_or_else(|| NodeError::failed("ValueError", format!("Invalid file path: '{name}'")))?;
    let shown = format!("data/{}/{path}", folder.name());
    let file = storage.read(folder, &path)?.ok_or_else(|| {
        let message = format!("[Errno 2] No such file or directory: '{shown}'");
        NodeError::failed("FileNotFoundError", message)
    })?;
    let picture = decode(&file.bytes).map_err(|error| {
        tracing::debug!(%error, file = shown, "not a picture");
        not_a_picture(&file.bytes, &path, &shown)
    })?;
    let image = ImageBatch::from_rgb8(&picture.to_rgb8())?;
    let mask = if picture.color().has_alpha() {
        let alpha = picture.to_rgba8();
        let samples = alpha.pixels().map(|pixel| 1.0 - f32::from(pixel.0[3]) / 255.0).collect();
        ImageBatch::new(1, image.height(), image.width(), 1, samples)?
    } else {
        ImageBatch::from_fn(1, EMPTY_MASK_SIDE, EMPTY_MASK_SIDE, 1, |_, _, _, _| 0.0)?
    };
    Ok((image, mask))
}

/// The names by which FFmpeg takes a file for a picture without a look at it. It then finds none in it, and ComfyUI turns
/// to Pillow.
const PICTURES_BY_NAME: [&str; 21] = [
    "bmp", "dds", "dpx", "exr", "hdr", "jpeg", "jpg", "pam", "pbm", "pgm", "pcx", "pict", "png", "ppm", "qoi", "sgi",
    "tga", "tif", "tiff", "webp", "xwd",
];

/// What ComfyUI 0.33.0 says of a file that is no picture, as tried out on one: two libraries are asked, FFmpeg through
/// PyAV and then Pillow (`LoadImage` of its `nodes.py`).
fn not_a_picture(bytes: &[u8], path: &str, shown: &str) -> NodeError {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    if extension == "gif" && !bytes.starts_with(b"GIF8") {
        let message = format!("[Errno 541478725] End of file: '{shown}'");
        return NodeError::failed("av.error.EOFError", message);
    }
    let is_taken = !bytes.is_empty() && PICTURES_BY_NAME.contains(&extension.as_str());
    if is_taken || image::guess_format(bytes).is_ok() {
        let message = format!("cannot identify image file '{shown}'");
        return NodeError::failed("PIL.UnidentifiedImageError", message);
    }
    let message = format!("[Errno 1094995529] Invalid data found when processing input: '{shown}'");
    NodeError::failed("av.error.InvalidDataError", message)
}

/// Decodes a picture of a bounded size and turns it as its EXIF data says.
fn decode(bytes: &[u8]) -> Result<DynamicImage, image::ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    let side = u32::try_from(MAX_SIDE).unwrap_or(u32::MAX);
    limits.max_image_width = Some(side);
    limits.max_image_height = Some(side);
    limits.max_alloc = Some(8 * MAX_PIXELS as u64);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}
