//! Workflows of either format, told apart, and those of the editor turned into prompts.

use comfyui::{ConvertOptions, NodeDefinitions, Workflow, WorkflowFile, convert};
use serde_json::Value;

/// Classes with inputs of every kind.
const DEFINITIONS: &str = include_str!("conversions/object_info.json");

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let workflow = match WorkflowFile::detect(text) {
        Err(error) => {
            super::assert_shown_as_it_is(&error.to_string());
            assert!(error.to_string().chars().count() <= 1000);
            return;
        }
        Ok(WorkflowFile::Api(workflow)) => return super::workflows::reads_what_it_writes(&workflow),
        Ok(WorkflowFile::Ui(workflow)) => workflow,
    };
    let definitions = NodeDefinitions::from_json(DEFINITIONS.as_bytes()).expect("definitions");
    for definitions in [definitions, NodeDefinitions::default()] {
        let options = ConvertOptions::default();
        let outcome = convert(&workflow, &definitions, &options);
        assert_eq!(outcome, convert(&workflow, &definitions, &options), "it is not the same twice");
        match outcome {
            Err(error) => super::assert_shown_as_it_is(&error.to_string()),
            Ok(conversion) => {
                check(&conversion.prompt);
                for notice in &conversion.notices {
                    super::assert_shown_as_it_is(&notice.to_string());
                }
            }
        }
    }
}

/// Every link leads to a node of the prompt. Where each node has a class, the prompt is one.
fn check(prompt: &Workflow) {
    assert!(prompt.nodes().len() <= 20_000);
    let mut has_classes = true;
    for (id, node) in prompt.nodes() {
        has_classes &= !node.class_type.is_empty();
        for (name, value) in &node.inputs {
            let Some(link) = value.as_array() else { continue };
            let [Value::String(origin), Value::Number(slot)] = link.as_slice() else {
                panic!("{id}.{name} is a list and no link: {value}")
            };
            assert!(prompt.node(origin).is_some(), "{id}.{name} is linked to {origin}, which is not there");
            assert!(slot.is_u64(), "{id}.{name} is linked to slot {slot}");
        }
    }
    if has_classes && !prompt.nodes().is_empty() {
        super::workflows::reads_what_it_writes(prompt);
    }
}
