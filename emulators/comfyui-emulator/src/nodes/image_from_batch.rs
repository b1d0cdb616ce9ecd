//! `ImageFromBatch`: some pictures of a batch.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImageFromBatch;

impl Node for ImageFromBatch {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("ImageFromBatch", "Get Image from Batch", Schema::V3)
            .category("image/batch")
            .python_module("comfy_extras.nodes_images")
            .search_aliases(&["select image", "pick from batch", "extract image"])
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::int("batch_index", 0, -MAX_RESOLUTION, MAX_RESOLUTION))
            .input(InputDefinition::int("length", 1, 1, 4096))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let count = image.count() as i128;
        let index = inputs.int("batch_index")?;
        let first = if index < 0 { index + count } else { index }.clamp(0, count - 1);
        let first = usize::try_from(first).unwrap_or_default();
        Ok(NodeValue::Image(image.slice(first, inputs.size("length")?)?).into())
    }
}
