//! `ImageBlend`: one picture over another.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::image_batch::ImageBatch;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};
use crate::resampling::{Method, scale};

pub(super) struct ImageBlend;

impl Node for ImageBlend {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let modes = ["normal", "multiply", "screen", "overlay", "soft_light", "difference"];
        NodeDefinition::new("ImageBlend", "Blend Images", Schema::V3)
            .category("image/filters")
            .python_module("comfy_extras.nodes_post_processing")
            .search_aliases(&["mix images"])
            .essentials("Image Tools")
            .input(InputDefinition::new("image1", "IMAGE"))
            .input(InputDefinition::new("image2", "IMAGE"))
            .input(InputDefinition::float("blend_factor", 0.5, 0.0, 1.0, 0.01))
            .input(InputDefinition::choice("blend_mode", modes))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let (lower, upper) = (inputs.image("image1")?, inputs.image("image2")?);
        let factor = inputs.float("blend_factor")? as f32;
        let blend = blend_mode(inputs.text("blend_mode")?)?;
        let channels = lower.channels().max(upper.channels());
        let lower = lower.with_channels(channels)?;
        let mut upper = upper.with_channels(channels)?;
        if (lower.width(), lower.height()) != (upper.width(), upper.height()) {
            upper = scale(&upper, lower.width(), lower.height(), Method::Bicubic, true)?;
        }
        let count = match (lower.count(), upper.count()) {
            (one, other) if one == other => one,
            (one, 1) => one,
            (1, other) => other,
            (one, other) => {
                let message = format!("batches of {one} and {other} pictures cannot be blended");
                return Err(NodeError::failed("RuntimeError", message));
            }
        };
        let blended = ImageBatch::from_fn(count, lower.height(), lower.width(), channels, |n, y, x, c| {
            let low = lower.sample(n.min(lower.count() - 1), y, x, c);
            let up = upper.sample(n.min(upper.count() - 1), y, x, c);
            (low * (1.0 - factor) + blend(low, up) * factor).clamp(0.0, 1.0)
        })?;
        Ok(NodeValue::Image(blended).into())
    }
}

fn blend_mode(name: &str) -> Result<fn(f32, f32) -> f32, NodeError> {
    Ok(match name {
        "normal" => |_, up| up,
        "multiply" => |low, up| low * up,
        "screen" => |low, up| 1.0 - (1.0 - low) * (1.0 - up),
        "overlay" => |low, up| {
            if low <= 0.5 { 2.0 * low * up } else { 1.0 - 2.0 * (1.0 - low) * (1.0 - up) }
        },
        "soft_light" => |low, up| {
            if up <= 0.5 {
                low - (1.0 - 2.0 * up) * low * (1.0 - low)
            } else {
                low + (2.0 * up - 1.0) * (soften(low) - low)
            }
        },
        "difference" => |low, up| low - up,
        other => {
            let message = format!("Unsupported blend mode: {other}");
            return Err(NodeError::failed("ValueError", message));
        }
    })
}

/// The curve of the soft light mode.
fn soften(value: f32) -> f32 {
    if value <= 0.25 { ((16.0 * value - 12.0) * value + 4.0) * value } else { value.sqrt() }
}
