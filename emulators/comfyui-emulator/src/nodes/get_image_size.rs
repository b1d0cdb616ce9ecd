//! `GetImageSize`: the size of a batch, also as a text to every socket.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct GetImageSize;

impl Node for GetImageSize {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("GetImageSize", "Get Image Size", Schema::V3)
            .category("image")
            .python_module("comfy_extras.nodes_images")
            .search_aliases(&["dimensions", "resolution", "image info"])
            .input(InputDefinition::new("image", "IMAGE"))
            .hidden("unique_id", "UNIQUE_ID")
            .named_output("INT", "width")
            .named_output("INT", "height")
            .named_output("INT", "batch_size")
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let (width, height, count) = (image.width(), image.height(), image.count());
        let text = format!("width: {width}, height: {height}\n batch size: {count}");
        execution.send_text(&text, true);
        let int = |value: usize| NodeValue::Int(value as i128);
        Ok(NodeOutput::values(vec![int(width), int(height), int(count)]))
    }
}
