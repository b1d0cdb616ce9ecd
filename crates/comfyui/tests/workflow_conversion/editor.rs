//! Small workflows as the editor would save them.

use comfyui::{Conversion, ConvertError, ConvertOptions, NodeDefinitions, UiWorkflow, convert};
use serde_json::{Value, json};

/// Written by hand, with no more than the tests need.
pub(crate) const DEFINITIONS: &str = include_str!("../data/editor/definitions.json");

pub(crate) fn definitions() -> NodeDefinitions {
    NodeDefinitions::from_json(DEFINITIONS.as_bytes()).unwrap()
}

pub(crate) fn with_classes(more: &Value) -> NodeDefinitions {
    let mut definitions = definitions();
    definitions.add(NodeDefinitions::from_json(more.to_string().as_bytes()).unwrap());
    definitions
}

pub(crate) fn try_convert(workflow: &Value, definitions: &NodeDefinitions) -> Result<Conversion, ConvertError> {
    let workflow = UiWorkflow::parse(&workflow.to_string()).unwrap();
    convert(&workflow, definitions, &ConvertOptions::default())
}

/// The prompt, without its titles.
pub(crate) fn prompt_with(workflow: &Value, definitions: &NodeDefinitions) -> Value {
    let conversion = try_convert(workflow, definitions).unwrap();
    let mut prompt = serde_json::to_value(conversion.prompt).unwrap();
    for node in prompt.as_object_mut().unwrap().values_mut() {
        node.as_object_mut().unwrap().remove("_meta");
    }
    prompt
}

pub(crate) fn prompt(workflow: &Value) -> Value {
    prompt_with(workflow, &definitions())
}

/// A workflow of nodes and links `[id, origin, slot, target, slot, type]`.
pub(crate) fn workflow(nodes: Value, links: Value) -> Value {
    json!({"last_node_id": 99, "nodes": nodes, "links": links, "version": 0.4})
}

/// One node alone.
pub(crate) fn alone(class: &str, widgets_values: Value) -> Value {
    workflow(json!([{"id": 1, "type": class, "widgets_values": widgets_values}]), json!([]))
}

/// The inputs of one node alone.
pub(crate) fn inputs_of(class: &str, widgets_values: Value) -> Value {
    prompt(&alone(class, widgets_values))["1"]["inputs"].clone()
}
