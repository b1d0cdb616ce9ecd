//! `ImageInvert`: the negative.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct ImageInvert;

impl Node for ImageInvert {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("ImageInvert", "Invert Image Colors", Schema::V1)
            .category("image/color")
            .search_aliases(&["reverse colors"])
            .essentials("Image Tools")
            .input(InputDefinition::new("image", "IMAGE"))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Ok(NodeValue::Image(inputs.image("image")?.map(|sample| 1.0 - sample)).into())
    }
}
