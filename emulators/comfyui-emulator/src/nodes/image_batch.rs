//! `ImageBatch`: two batches become one.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};
use crate::resampling::{Method, scale};

pub(super) struct ImageBatch;

impl Node for ImageBatch {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("ImageBatch", "Batch Images (DEPRECATED)", Schema::V1)
            .category("image/batch")
            .deprecated()
            .search_aliases(&["combine images", "merge images", "stack images"])
            .input(InputDefinition::new("image1", "IMAGE"))
            .input(InputDefinition::new("image2", "IMAGE"))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let (first, second) = (inputs.image("image1")?, inputs.image("image2")?);
        let channels = first.channels().max(second.channels());
        let first = first.with_channels(channels)?;
        let mut second = second.with_channels(channels)?;
        if (first.width(), first.height()) != (second.width(), second.height()) {
            second = scale(&second, first.width(), first.height(), Method::Bilinear, true)?;
        }
        Ok(NodeValue::Image(first.concatenate(&second)?).into())
    }
}
