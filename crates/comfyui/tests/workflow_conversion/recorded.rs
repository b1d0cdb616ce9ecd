//! What the editor itself (ComfyUI's frontend 1.48.7) made of workflows that were made for these tests.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::editor::{definitions, try_convert};

fn as_javascript(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap()),
        Value::Array(values) => values.iter().map(as_javascript).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), as_javascript(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_prompts_are_the_editors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/editor");
    let mut compared = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == "definitions.json") {
            continue;
        }
        let recorded: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let conversion = try_convert(&recorded["workflow"], &definitions()).unwrap();
        let mut ours = as_javascript(&serde_json::to_value(conversion.prompt).unwrap());
        let mut theirs = as_javascript(&recorded["prompt"]);
        for (id, node) in theirs.as_object_mut().unwrap() {
            // The editor leaves the class out where it does not know it.
            if node["class_type"].is_null() {
                ours[id].as_object_mut().unwrap().remove("class_type");
            }
            for node in [&mut ours[id], node] {
                node["_meta"] = node["_meta"]["title"].clone();
            }
        }
        assert_eq!(ours, theirs, "{}", path.display());
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}
