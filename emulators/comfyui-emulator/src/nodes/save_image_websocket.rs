//! `SaveImageWebsocket`: pictures in full size through the socket, and nowhere else.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::frames::{Preview, PreviewFormat};
use crate::node::{Files, Fingerprint, Inputs, Node, NodeError, NodeOutput};
use serde_json::{Map, Value};

pub(super) struct SaveImageWebsocket;

impl Node for SaveImageWebsocket {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("SaveImageWebsocket", "Save Image (Websocket)", Schema::V1)
            .category("image")
            .python_module("custom_nodes.websocket_image_save")
            .output_node()
            .input(InputDefinition::new("images", "IMAGE"))
    }

    fn fingerprint(&self, _: &Map<String, Value>, _: &Files<'_>) -> Fingerprint {
        Fingerprint::Unique
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let images = inputs.image("images")?;
        for picture in 0..images.count() {
            let preview = Preview { picture: images.to_rgb8(picture), format: PreviewFormat::Png, max_side: None };
            execution.progress(picture as u64, images.count() as u64, Some(&preview))?;
        }
        Ok(NodeOutput::default())
    }
}
