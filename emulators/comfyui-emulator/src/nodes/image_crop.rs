//! `ImageCrop`: a rectangle of every picture.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImageCrop;

impl Node for ImageCrop {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let int = |name, default, min| InputDefinition::int(name, default, min, MAX_RESOLUTION).with("step", 1);
        NodeDefinition::new("ImageCrop", "Crop Image (DEPRECATED)", Schema::V3)
            .category("image/transform")
            .python_module("comfy_extras.nodes_images")
            .search_aliases(&["trim"])
            .essentials("Image Tools")
            .deprecated()
            .input(InputDefinition::new("image", "IMAGE"))
            .input(int("width", 512, 1))
            .input(int("height", 512, 1))
            .input(int("x", 0, 0))
            .input(int("y", 0, 0))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let x = inputs.size("x")?.min(image.width() - 1);
        let y = inputs.size("y")?.min(image.height() - 1);
        let cropped = image.crop(y, x, inputs.size("height")?, inputs.size("width")?)?;
        Ok(NodeValue::Image(cropped).into())
    }
}
