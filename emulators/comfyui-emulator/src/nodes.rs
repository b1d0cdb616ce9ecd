//! The node classes of the emulator. A new one is a file here and a line below.
//!
//! Names, inputs, ranges and categories are those of ComfyUI 0.33.0 (its `nodes.py`,
//! `comfy_extras/` and `/object_info`); descriptions and tooltips are not taken over.

mod asset_downloader;
mod empty_image;
mod get_image_size;
mod image_batch;
mod image_blend;
mod image_crop;
mod image_flip;
mod image_from_batch;
mod image_invert;
mod image_pad_for_outpaint;
mod image_rotate;
mod image_scale;
mod load_image;
mod masks;
mod preview_any;
mod primitives;
mod save_image;
mod save_image_websocket;
mod stand_ins;

use std::sync::Arc;

use crate::node::Node;

/// All of them.
pub(crate) fn all() -> Vec<Arc<dyn Node>> {
    vec![
        // These stand in for models.
        Arc::new(stand_ins::KSampler),
        Arc::new(stand_ins::CheckpointLoaderSimple),
        Arc::new(stand_ins::ClipTextEncode),
        Arc::new(stand_ins::VaeDecode),
        Arc::new(stand_ins::VaeEncode),
        Arc::new(stand_ins::EmptyLatentImage),
        // These run for real.
        Arc::new(save_image::SaveImage),
        Arc::new(save_image::PreviewImage),
        Arc::new(load_image::LoadImage),
        Arc::new(load_image::LoadImageMask),
        Arc::new(image_scale::ImageScale),
        Arc::new(image_scale::ImageScaleBy),
        Arc::new(image_invert::ImageInvert),
        Arc::new(image_batch::ImageBatch),
        Arc::new(image_pad_for_outpaint::ImagePadForOutpaint),
        Arc::new(empty_image::EmptyImage),
        Arc::new(image_crop::ImageCrop),
        Arc::new(image_flip::ImageFlip),
        Arc::new(image_rotate::ImageRotate),
        Arc::new(image_from_batch::ImageFromBatch),
        Arc::new(image_blend::ImageBlend),
        Arc::new(get_image_size::GetImageSize),
        Arc::new(masks::MaskToImage),
        Arc::new(masks::ImageToMask),
        Arc::new(masks::InvertMask),
        Arc::new(masks::SolidMask),
        Arc::new(preview_any::PreviewAny),
        Arc::new(primitives::Primitive::INT),
        Arc::new(primitives::Primitive::FLOAT),
        Arc::new(primitives::Primitive::STRING),
        Arc::new(primitives::Primitive::STRING_MULTILINE),
        Arc::new(primitives::Primitive::BOOLEAN),
        Arc::new(save_image_websocket::SaveImageWebsocket),
    ]
}

pub(crate) use asset_downloader::AssetDownloader;

/// The longest side, as inputs write it.
const MAX_RESOLUTION: i64 = crate::image_batch::MAX_SIDE as i64;
