//! How long it takes to read a server's declarations and to convert a workflow of the editor.
//!
//! ```sh
//! cargo bench -p comfyui --bench convert
//! ```
//!
//! The inputs are recorded ones where `../shared/workflow-oracle` is beside the repository, else made up of this crate's
//! test data.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use comfyui::{ConvertOptions, NodeDefinitionReader, NodeDefinitions, UiWorkflow, WorkflowFile, convert};
use divan::Bencher;
use divan::counter::BytesCount;
use serde_json::Value;

/// As long as the answer of a server with many custom nodes.
const OBJECT_INFO_BYTES: usize = 10_000_000;

fn main() {
    divan::main();
}

fn recorded(path: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/workflow-oracle");
    fs::read_to_string(folder.join(path)).ok()
}

fn object_info() -> String {
    recorded("object_info.json").unwrap_or_else(|| include_str!("../tests/data/editor/definitions.json").to_owned())
}

/// The largest recorded workflow; without recordings, one with the same node 400 times.
fn workflow() -> String {
    recorded("cases/video_ltx2_depth_to_video/workflow.json").unwrap_or_else(|| {
        let text = include_str!("../tests/data/editor/kitchen_sink.json");
        let mut workflow = serde_json::from_str::<Value>(text).unwrap()["workflow"].take();
        let node =
            workflow["nodes"].as_array().unwrap().iter().find(|node| node["type"] == "KSampler").unwrap().clone();
        for id in 1_000..1_400 {
            let mut copy = node.clone();
            copy["id"] = Value::from(id);
            workflow["nodes"].as_array_mut().unwrap().push(copy);
        }
        workflow.to_string()
    })
}

/// The same classes under more names.
fn long_object_info() -> String {
    let one: serde_json::Map<String, Value> = serde_json::from_str(&object_info()).unwrap();
    let classes: Vec<String> = one.values().map(Value::to_string).collect();
    let mut long = String::from("{");
    for number in 0.. {
        if long.len() >= OBJECT_INFO_BYTES {
            break;
        }
        let comma = if number == 0 { "" } else { "," };
        long.push_str(&format!("{comma}\"Class{number}\":{}", classes[number % classes.len()]));
    }
    long.push('}');
    long
}

#[divan::bench]
fn read_object_info(bencher: Bencher<'_, '_>) {
    let text = long_object_info();
    let bencher = bencher.counter(BytesCount::of_str(&text));
    bencher.bench(|| NodeDefinitions::from_json(text.as_bytes()).unwrap());
}

/// The same as it comes from a server.
#[divan::bench]
fn read_object_info_in_pieces(bencher: Bencher<'_, '_>) {
    let text = long_object_info();
    let bencher = bencher.counter(BytesCount::of_str(&text));
    bencher.bench(|| {
        let mut reader = NodeDefinitionReader::new();
        for piece in text.as_bytes().chunks(64 * 1024) {
            reader.push(piece).unwrap();
        }
        reader.finish().unwrap()
    });
}

#[divan::bench]
fn detect_and_read_workflow(bencher: Bencher<'_, '_>) {
    let text = workflow();
    bencher.counter(BytesCount::of_str(&text)).bench(|| WorkflowFile::detect(&text).unwrap());
}

#[divan::bench]
fn convert_workflow(bencher: Bencher<'_, '_>) {
    let definitions = NodeDefinitions::from_json(object_info().as_bytes()).unwrap();
    let workflow = UiWorkflow::parse(&workflow()).unwrap();
    bencher.bench(|| convert(&workflow, &definitions, &ConvertOptions::default()).unwrap());
}
