//! `ImageRotate`: quarter turns, clockwise.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImageRotate;

impl Node for ImageRotate {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let turns = ["none", "90 degrees", "180 degrees", "270 degrees"];
        NodeDefinition::new("ImageRotate", "Rotate Image", Schema::V3)
            .category("image/transform")
            .python_module("comfy_extras.nodes_images")
            .search_aliases(&["turn", "flip orientation"])
            .essentials("Image Tools")
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::choice("rotation", turns))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let rotation = inputs.text("rotation")?;
        let (height, width) = (image.height(), image.width());
        let turned = |height: usize, width: usize, from: &dyn Fn(usize, usize) -> (usize, usize)| {
            ImageBatch::from_fn(image.count(), height, width, image.channels(), |n, y, x, c| {
                let (y, x) = from(y, x);
                image.sample(n, y, x, c)
            })
        };
        let result = if rotation.starts_with("90") {
            turned(width, height, &|y, x| (height - 1 - x, y))?
        } else if rotation.starts_with("180") {
            turned(height, width, &|y, x| (height - 1 - y, width - 1 - x))?
        } else if rotation.starts_with("270") {
            turned(width, height, &|y, x| (x, width - 1 - y))?
        } else {
            image.clone()
        };
        Ok(NodeValue::Image(result).into())
    }
}
