//! Masks from pictures, pictures from masks, and masks from nothing.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

const MODULE: &str = "comfy_extras.nodes_mask";
const CATEGORY: &str = "image/mask";

pub(super) struct MaskToImage;

impl Node for MaskToImage {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("MaskToImage", "Convert Mask to Image", Schema::V3)
            .category(CATEGORY)
            .python_module(MODULE)
            .search_aliases(&["convert mask"])
            .input(InputDefinition::new("mask", "MASK"))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Ok(NodeValue::Image(inputs.mask("mask")?.with_channels(3)?).into())
    }
}

pub(super) struct ImageToMask;

impl ImageToMask {
    const CHANNELS: [&str; 4] = ["red", "green", "blue", "alpha"];
}

impl Node for ImageToMask {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("ImageToMask", "Convert Image to Mask", Schema::V3)
            .category(CATEGORY)
            .python_module(MODULE)
            .search_aliases(&["extract channel", "channel to mask"])
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::choice("channel", Self::CHANNELS))
            .output("MASK")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let wanted = inputs.text("channel")?;
        let channel = Self::CHANNELS.iter().position(|name| *name == wanted).unwrap_or_default();
        if channel >= image.channels() {
            let message = format!("index {channel} is out of bounds for dimension 3 with size {}", image.channels());
            return Err(NodeError::failed("IndexError", message));
        }
        Ok(NodeValue::Mask(image.channel(channel)?).into())
    }
}

pub(super) struct InvertMask;

impl Node for InvertMask {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("InvertMask", "Invert Mask", Schema::V3)
            .category(CATEGORY)
            .python_module(MODULE)
            .search_aliases(&["reverse mask", "flip mask"])
            .input(InputDefinition::new("mask", "MASK"))
            .output("MASK")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Ok(NodeValue::Mask(inputs.mask("mask")?.map(|sample| 1.0 - sample)).into())
    }
}

pub(super) struct SolidMask;

impl Node for SolidMask {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let side = |name| InputDefinition::int(name, 512, 1, MAX_RESOLUTION).with("step", 1);
        NodeDefinition::new("SolidMask", "Create Solid Mask", Schema::V3)
            .category(CATEGORY)
            .python_module(MODULE)
            .input(InputDefinition::float("value", 1.0, 0.0, 1.0, 0.01))
            .input(side("width"))
            .input(side("height"))
            .output("MASK")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let value = inputs.float("value")? as f32;
        let (width, height) = (inputs.size("width")?, inputs.size("height")?);
        Ok(NodeValue::Mask(ImageBatch::from_fn(1, height, width, 1, |_, _, _, _| value)?).into())
    }
}
