//! Sessions recorded with the official Python SDK give the same lines with ours, but for a written list of differences.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use dify_plugin_conformance::{Differences, RecordedCase, normal_form, recorded_sessions, replay, replay_over_http};
use serde_json::Value;

#[path = "servers/upload.rs"]
mod upload;

use upload::UploadServer;

/// Recordings of other transports, and of the official COS plugin, which is compared with ours in its own crate.
const ELSEWHERE: [&str; 2] = ["tcp_", "cos_"];

#[test]
fn the_same_lines_come_out() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/differences.json");
    let mut differences = Differences::read(&list).unwrap();
    let mut compared = 0;
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".jsonl") || ELSEWHERE.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let case = RecordedCase::read(&file).unwrap();
        let upload = UploadServer::of(&case.name, &file.with_extension("http.json"));
        let ours = replay(plugin(&case.name), &case, |line| upload.redirect(line)).unwrap();
        let ours: Vec<Value> = ours.iter().map(|line| upload.hide_address(line)).collect();
        differences.compare(&case.name, &normal_form(&case.out()), &normal_form(&ours));
        upload.check(&case.name);
        compared += 1;
    }
    let complaints = differences.finish().unwrap();
    println!("{compared} recorded sessions compared");
    assert!(compared > 100, "only {compared} recordings were found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Cases that are about standard input and output, or in which a request is answered that HTTP refuses.
const NOT_OVER_HTTP: [&str; 6] = [
    "startup_",
    "heartbeat",
    // Nothing ends the wait there.
    "backwards_no_answer_timeout",
    "envelope_missing_data",
    "envelope_null_data",
    "envelope_stray_backwards_response",
];

#[test]
fn the_same_lines_come_out_over_http() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/differences.json");
    let differences: Value = serde_json::from_str(&std::fs::read_to_string(list).unwrap()).unwrap();
    let mut compared = 0;
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let is_elsewhere = ELSEWHERE.iter().chain(&NOT_OVER_HTTP).any(|prefix| name.starts_with(prefix));
        if !name.ends_with(".jsonl") || is_elsewhere {
            continue;
        }
        let case = RecordedCase::read(&file).unwrap();
        let upload = UploadServer::of(&case.name, &file.with_extension("http.json"));
        let ours = replay_over_http(plugin(&case.name), &case, |line| upload.redirect(line)).unwrap();
        let ours: Vec<Value> = ours.iter().map(|line| upload.hide_address(line)).collect();
        let expected = match differences[&case.name]["ours"].as_array() {
            Some(listed) => listed.clone(),
            None => normal_form(&case.out()),
        };
        let ours = normal_form(&ours);
        assert_eq!(calls_back_first(ours), calls_back_first(expected), "{}", case.name);
        upload.check(&case.name);
        compared += 1;
    }
    println!("{compared} recorded sessions compared over HTTP");
    assert!(compared > 100, "only {compared} recordings were found");
}

/// They come on connections of their own, so nothing says where they stand among the other lines.
fn calls_back_first(mut lines: Vec<Value>) -> Vec<Value> {
    lines.sort_by_key(|line| line["data"]["type"] != "invoke");
    lines
}

fn plugin(case: &str) -> Command {
    let is_drive = ["drive_", "datasource_", "doc_", "site_", "startup_drive", "startup_doc", "startup_site"];
    let kind = if is_drive.iter().any(|prefix| case.starts_with(prefix)) { "drive" } else { "tool" };
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
    plugin.arg(kind).env("INSTALL_METHOD", "local");
    plugin
}
