//! Workflows of ComfyUI's editor, converted from the command line.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn oxidify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    command.env_remove("COMFYUI_API_KEY");
    command
}

fn editor(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/comfyui/tests/data/editor").join(name)
}

fn convert(workflow: &Value, object_info: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("workflow.json");
    fs::write(&path, workflow.to_string()).unwrap();
    let mut command = oxidify();
    command.arg("convert").arg(&path).args(["--object-info", object_info]).env("COMFYUI_API_KEY", "s3cret");
    command.output().unwrap()
}

fn prompt(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn definitions() -> String {
    editor("definitions.json").display().to_string()
}

#[test]
fn a_workflow_becomes_what_the_editor_made_of_it() {
    let recorded: Value = serde_json::from_slice(&fs::read(editor("subgraph_chain_of_two.json")).unwrap()).unwrap();
    let output = convert(&recorded["workflow"], &definitions());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(prompt(&output), recorded["prompt"]);
}

#[test]
fn a_prompt_is_printed_as_it_is() {
    let workflow = json!({"1": {"inputs": {"seed": u64::MAX}, "class_type": "Any"}});
    let output = convert(&workflow, &definitions());
    assert_eq!((output.status.code(), prompt(&output)), (Some(0), workflow));
}

#[test]
fn what_cannot_be_converted_is_said_with_status_2() {
    let output = convert(
        &json!({"nodes": [{"id": 7, "type": "SaveImage", "title": "Mine",
        "inputs": [{"name": "images", "type": "IMAGE", "link": 3}]}], "links": []}),
        &definitions(),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && said(&output).contains("node 7 \"Mine\" (SaveImage)"), "{}", said(&output));
    let output = convert(&json!([1, 2]), &definitions());
    assert!(output.status.code() == Some(2) && said(&output).contains("a list of 2"), "{}", said(&output));
}

#[test]
fn an_unknown_class_is_printed_and_said_with_status_2() {
    let output =
        convert(&json!({"nodes": [{"id": 1, "type": "Mystery", "properties": {"cnr_id": "pack"}}]}), &definitions());
    assert_eq!((output.status.code(), prompt(&output)["1"]["class_type"].clone()), (Some(2), json!("Mystery")));
    assert!(said(&output).contains("it comes with pack"), "{}", said(&output));
}

/// An emulator that ends with the test.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_classes_may_be_those_of_a_server() {
    let mut command = oxidify();
    command.args(["emulate", "comfyui", "--token", "s3cret", "--port", "0"]).stdout(Stdio::piped());
    let mut server = Emulator(command.spawn().unwrap());
    let mut first = String::new();
    BufReader::new(server.0.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    let url = first.trim().rsplit(' ').next().unwrap();
    let workflow = json!({"nodes": [
        {"id": 1, "type": "LoadImage", "widgets_values": ["a.png", "image"]},
        {"id": 2, "type": "SaveImage", "widgets_values": ["x"], "inputs": [{"name": "images", "type": "IMAGE", "link": 4}]}],
        "links": [[4, 1, 0, 2, 0, "IMAGE"]], "version": 0.4});
    let output = convert(&workflow, url);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(prompt(&output)["2"]["inputs"], json!({"images": ["1", 0], "filename_prefix": "x"}));
    assert!(!said(&output).contains("s3cret"));
}
