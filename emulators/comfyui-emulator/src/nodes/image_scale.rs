//! `ImageScale` and `ImageScaleBy`.

use super::MAX_RESOLUTION;
use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};
use crate::resampling::{Method, round, scale};

pub(super) struct ImageScale;

impl Node for ImageScale {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let side = |name| InputDefinition::int(name, 512, 0, MAX_RESOLUTION).with("step", 1);
        NodeDefinition::new("ImageScale", "Upscale Image", Schema::V1)
            .category("image/upscaling")
            .search_aliases(&[
                "resize",
                "resize image",
                "scale image",
                "image resize",
                "zoom",
                "zoom in",
                "change size",
            ])
            .essentials("Image Tools")
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::choice("upscale_method", Method::NAMES))
            .input(side("width"))
            .input(side("height"))
            .input(InputDefinition::choice("crop", ["disabled", "center"]))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let (width, height) = (inputs.size("width")?, inputs.size("height")?);
        let center = inputs.text("crop")? == "center";
        let in_proportion =
            |side: usize, other: usize, new_other: usize| round(side as f64 * new_other as f64 / other as f64).max(1);
        let (width, height) = match (width, height) {
            (0, 0) => return Ok(NodeValue::Image(image.clone()).into()),
            (0, height) => (in_proportion(image.width(), image.height(), height), height),
            (width, 0) => (width, in_proportion(image.height(), image.width(), width)),
            both => both,
        };
        Ok(NodeValue::Image(scale(image, width, height, method(inputs)?, center)?).into())
    }
}

pub(super) struct ImageScaleBy;

impl Node for ImageScaleBy {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("ImageScaleBy", "Upscale Image By", Schema::V1)
            .category("image/upscaling")
            .essentials("Image Tools")
            .input(InputDefinition::new("image", "IMAGE"))
            .input(InputDefinition::choice("upscale_method", Method::NAMES))
            .input(InputDefinition::float("scale_by", 1.0, 0.01, 8.0, 0.01))
            .output("IMAGE")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let image = inputs.image("image")?;
        let factor = inputs.float("scale_by")?;
        let width = round(image.width() as f64 * factor);
        let height = round(image.height() as f64 * factor);
        Ok(NodeValue::Image(scale(image, width, height, method(inputs)?, false)?).into())
    }
}

fn method(inputs: &Inputs) -> Result<Method, NodeError> {
    let name = inputs.text("upscale_method")?;
    Method::from_name(name).ok_or_else(|| NodeError::failed("NotImplementedError", format!("no method {name:?}")))
}
