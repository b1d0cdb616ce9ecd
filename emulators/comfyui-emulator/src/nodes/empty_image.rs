//! `EmptyImage`: pictures of one colour.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

pub(super) struct EmptyImage;

impl Node for EmptyImage {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let side = |name| InputDefinition::int(name, 512, 1, MAX_RESOLUTION).with("step", 1);
        NodeDefinition::new("EmptyImage", "Empty Image", Schema::V1)
            .category("image")
            .input(side("width"))
            .input(side("height"))
            .input(InputDefinition::int("batch_size", 1, 1, 4096))
            .input(InputDefinition::int("color", 0, 0, 0xff_ffff).with("step", 1).with("display", "color"))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let color = inputs.int("color")?;
        let byte = |shift: u32| ((color >> shift) & 0xff) as f32 / 255.0;
        let color = [byte(16), byte(8), byte(0)];
        let batch = ImageBatch::from_fn(
            inputs.size("batch_size")?,
            inputs.size("height")?,
            inputs.size("width")?,
            3,
            |_, _, _, channel| color.get(channel).copied().unwrap_or_default(),
        )?;
        Ok(NodeValue::Image(batch).into())
    }
}
