//! `PreviewAny`: any value as a text.

use serde_json::{Map, Value, json};

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

/// How many values PyTorch shows at each end of a dimension here.
const EDGE: usize = 6;

pub(super) struct PreviewAny;

impl Node for PreviewAny {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("PreviewAny", "Preview as Text", Schema::V1)
            .category("utilities")
            .python_module("comfy_extras.nodes_preview_any")
            .search_aliases(&["show output", "inspect", "debug", "print value", "show text"])
            .output_node()
            .input(InputDefinition::new("source", "*"))
            .output("STRING")
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let text = inputs.get("source").map_or_else(|| "None".to_owned(), shown);
        let ui = Map::from_iter([("text".to_owned(), json!([text]))]);
        Ok(NodeOutput { values: vec![NodeValue::Text(text)], ui })
    }
}

fn shown(value: &NodeValue) -> String {
    match value {
        NodeValue::Int(value) => value.to_string(),
        NodeValue::Float(value) => Value::from(*value).to_string(),
        NodeValue::Text(text) => text.clone(),
        NodeValue::Boolean(true) => "True".to_owned(),
        NodeValue::Boolean(false) => "False".to_owned(),
        NodeValue::Image(batch) | NodeValue::Mask(batch) => batch.to_tensor_text(EDGE),
        NodeValue::Latent(batch) => {
            format!("{{'samples': {}}}", batch.to_tensor_text(EDGE))
        }
        NodeValue::Handle(text) => format!("<{text}>"),
        NodeValue::Json(Value::Null) => "None".to_owned(),
        NodeValue::Json(value) => format!("{value:#}"),
    }
}
