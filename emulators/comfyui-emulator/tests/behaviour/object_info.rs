//! The entries of the node classes.

use std::path::Path;

use serde_json::Value;

use crate::driver::{get_json, start};

#[tokio::test]
async fn an_entry_lists_its_inputs_in_order() {
    let server = start().await;
    server.put_input("b.png", "x").unwrap();
    server.put_input("a.webp", "x").unwrap();
    server.put_input("notes.txt", "x").unwrap();
    let all = get_json(&server, "/object_info").await;
    for (name, entry) in all.as_object().unwrap() {
        assert_eq!(entry["name"], *name);
        let required = entry["input"]["required"].as_object().unwrap();
        let order: Vec<&String> = required.keys().collect();
        assert_eq!(entry["input_order"]["required"], serde_json::json!(order), "{name}");
        let outputs = entry["output"].as_array().unwrap().len();
        assert_eq!(entry["output_name"].as_array().unwrap().len(), outputs);
        assert_eq!(entry["output_is_list"].as_array().unwrap().len(), outputs);
    }
    let files = &all["LoadImage"]["input"]["required"]["image"][0];
    assert_eq!(*files, serde_json::json!(["a.webp", "b.png"]));
    let one = get_json(&server, "/object_info/KSampler").await;
    assert_eq!(one["KSampler"], all["KSampler"]);
    assert!(one["KSampler"]["description"].as_str().unwrap().starts_with("Emulator stand-in"));
}

/// Against the `/object_info` of a real ComfyUI 0.33.0, where it is at hand. Descriptions and
/// tooltips are the emulator's own, and only it has a checkpoint.
#[tokio::test]
async fn entries_agree_with_those_of_the_real_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("../shared/workflow-oracle/object_info.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: ../shared is not here");
        return;
    };
    let real: Value = serde_json::from_str(&text).unwrap();
    let ours = get_json(&start().await, "/object_info").await;
    let mut compared = 0;
    for (name, entry) in ours.as_object().unwrap() {
        let Some(recorded) = real.get(name) else {
            assert_eq!(name, "SaveImageWebsocket", "only this one was not installed there");
            continue;
        };
        let mut recorded = stripped(recorded);
        if name == "CheckpointLoaderSimple" {
            recorded["input"]["required"]["ckpt_name"][0] = serde_json::json!(["emulator.safetensors"]);
        }
        assert_eq!(stripped(entry), recorded, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 32);
}

fn stripped(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !["tooltip", "description", "output_tooltips"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), stripped(value)))
            .collect(),
        // `["IMAGE"]` and `["IMAGE", {}]` only differ by a tooltip that is left out.
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().map(stripped).collect();
            match items.as_slice() {
                [kind, Value::Object(options)] if options.is_empty() => {
                    serde_json::json!([kind])
                }
                _ => Value::Array(items),
            }
        }
        other => other.clone(),
    }
}
