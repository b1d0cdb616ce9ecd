//! `ImagePadForOutpaint`: a grey frame, and a mask of what is to be painted.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImagePadForOutpaint;

impl Node for ImagePadForOutpaint {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let side = |name| InputDefinition::int(name, 0, 0, MAX_RESOLUTION).with("step", 8);
        NodeDefinition::new("ImagePadForOutpaint", "Pad Image for Outpainting", Schema::V1)
            .category("image/transform")
            .search_aliases(&["extend canvas", "expand image"])
            .input(InputDefinition::new("image", "IMAGE"))
            .input(side("left"))
            .input(side("top"))
            .input(side("right"))
            .input(side("bottom"))
            .input(InputDefinition::int("feathering", 40, 0, MAX_RESOLUTION).with("step", 1).with("advanced", true))
            .output("IMAGE")
            .output("MASK")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let (left, top) = (inputs.size("left")?, inputs.size("top")?);
        let (right, bottom) = (inputs.size("right")?, inputs.size("bottom")?);
        let feathering = inputs.size("feathering")?;
        let (inner_height, inner_width) = (image.height(), image.width());
        let height = inner_height + top + bottom;
        let width = inner_width + left + right;
        let inside =
            |y: usize, x: usize| (top..top + inner_height).contains(&y) && (left..left + inner_width).contains(&x);
        let padded = ImageBatch::from_fn(image.count(), height, width, image.channels(), |n, y, x, c| {
            if inside(y, x) { image.sample(n, y - top, x - left, c) } else { 0.5 }
        })?;
        let feathered = feathering > 0 && feathering * 2 < inner_height && feathering * 2 < inner_width;
        let mask = ImageBatch::from_fn(1, height, width, 1, |_, y, x, _| {
            if !inside(y, x) {
                return 1.0;
            }
            if !feathered {
                return 0.0;
            }
            let (y, x) = (y - top, x - left);
            let distances = [
                if top != 0 { y } else { inner_height },
                if bottom != 0 { inner_height - y } else { inner_height },
                if left != 0 { x } else { inner_width },
                if right != 0 { inner_width - x } else { inner_width },
            ];
            let distance = distances.into_iter().min().unwrap_or_default();
            let missing = feathering.saturating_sub(distance) as f32 / feathering as f32;
            missing * missing
        })?;
        Ok(NodeOutput::values(vec![NodeValue::Image(padded), NodeValue::Mask(mask)]))
    }
}
