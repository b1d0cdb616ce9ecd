//! `ImageFlip`: the mirror.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImageFlip;

impl Node for ImageFlip {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let methods = ["x-axis: vertically", "y-axis: horizontally"];
        NodeDefinition::new("ImageFlip", "Flip Image", Schema::V3)
            .category("image/transform")
            .python_module("comfy_extras.nodes_images")
            .search_aliases(&["mirror", "reflect"])
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::choice("flip_method", methods))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let upside_down = inputs.text("flip_method")?.starts_with('x');
        let (height, width) = (image.height(), image.width());
        let flipped = ImageBatch::from_fn(image.count(), height, width, image.channels(), |n, y, x, c| {
            if upside_down { image.sample(n, height - 1 - y, x, c) } else { image.sample(n, y, width - 1 - x, c) }
        })?;
        Ok(NodeValue::Image(flipped).into())
    }
}
