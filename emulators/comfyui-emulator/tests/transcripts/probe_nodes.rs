//! The custom nodes that the recorder had put on its server.

use std::time::Duration;

use comfyui_emulator::{
    Execution, Files, InputDefinition, Inputs, Node, NodeDefinition, NodeError, NodeOutput, NodeValue, Preview,
    PreviewFormat, Schema,
};

fn definition(class_type: &'static str) -> NodeDefinition {
    NodeDefinition::new(class_type, class_type, Schema::V1)
        .category("probe")
        .python_module("custom_nodes.local_probe")
        .input(InputDefinition::new("image", "IMAGE"))
        .output("IMAGE")
}

fn image(inputs: &Inputs) -> Result<NodeOutput, NodeError> {
    Ok(NodeValue::Image(inputs.image("image")?.clone()).into())
}

fn seconds(inputs: &Inputs, name: &str) -> Result<Duration, NodeError> {
    Ok(Duration::from_secs_f64(inputs.float(name)?))
}

/// Sleeps step by step, with progress and, if wanted, previews.
pub(crate) struct ProbeSampler;

impl Node for ProbeSampler {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        definition("ProbeSampler")
            .input(InputDefinition::new("steps", "INT"))
            .input(InputDefinition::new("step_seconds", "FLOAT"))
            .input(InputDefinition::new("preview", "BOOLEAN"))
            .input(InputDefinition::new("preview_px", "INT"))
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let steps = inputs.size("steps")? as u64;
        let preview = inputs.boolean("preview")?.then(|| Preview {
            picture: inputs.image("image").unwrap().to_rgb8(0),
            format: PreviewFormat::Jpeg,
            max_side: Some(512),
        });
        for step in 1..=steps {
            execution.pause(seconds(inputs, "step_seconds")?);
            execution.progress(step, steps, preview.as_ref())?;
        }
        image(inputs)
    }
}

/// Fails.
pub(crate) struct ProbeFail;

impl Node for ProbeFail {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        definition("ProbeFail").input(InputDefinition::new("message", "STRING"))
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Err(NodeError::failed("ValueError", inputs.text("message")?))
    }
}

/// Sleeps and cannot be interrupted.
pub(crate) struct ProbeBlock;

impl Node for ProbeBlock {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        definition("ProbeBlock").input(InputDefinition::new("seconds", "FLOAT"))
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        execution.pause(seconds(inputs, "seconds")?);
        image(inputs)
    }
}

/// Sends a text to its client.
pub(crate) struct ProbeText;

impl Node for ProbeText {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        definition("ProbeText").input(InputDefinition::new("text", "STRING"))
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        execution.send_text(inputs.text("text")?, false);
        image(inputs)
    }
}
