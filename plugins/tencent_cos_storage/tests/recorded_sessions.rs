//! Sessions recorded with the official COS plugin give the same lines with ours, but for a written list of differences.
#![allow(clippy::unwrap_used)]

#[path = "servers/recorded_cos.rs"]
mod recorded_cos;

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_plugin_conformance::{Differences, RecordedCase, normal_form, recorded_sessions, replay};
use recorded_cos::{Question, RecordedCos};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longest base64 of a file that is compared, and listed, as it is.
const LONGEST_SHOWN: usize = 100;

#[test]
fn the_same_lines_come_out() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/differences.json");
    let mut differences = Differences::read(&list).unwrap();
    let cos = RecordedCos::start();
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_str().unwrap();
        name.starts_with("cos_") && name.ends_with(".jsonl")
    });
    for file in &files {
        let case = RecordedCase::read(file).unwrap();
        cos.begin(&case, &file.with_extension("http.json"));
        let ours = replay(plugin(&cos), &case, with_endpoint).unwrap();
        differences.compare(&case.name, &comparable(&case.out()), &comparable(&ours));
        let (missing, more) = cos.finish();
        assert_eq!(missing, [], "{}: not asked for", case.name);
        assert_eq!(more, asked_beyond(&case.name), "{}: asked for as well", case.name);
    }
    let complaints = differences.finish().unwrap();
    println!("{} recorded sessions compared", files.len());
    assert!(files.len() >= 19, "only {} recordings were found", files.len());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn plugin(cos: &RecordedCos) -> Command {
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_oxidify-tencent-cos"));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        plugin.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    plugin.env("INSTALL_METHOD", "local").env("HTTP_PROXY", cos.proxy());
    plugin
}

/// The recorded line with COS's own hosts in its credentials, over plain HTTP: the proxy cannot look into TLS.
fn with_endpoint(line: &str) -> String {
    let mut line: Value = serde_json::from_str(line).unwrap();
    line["data"]["credentials"]["endpoint"] = "http://{bucket}.cos.{region}.myqcloud.com".into();
    line.to_string()
}

/// In normal form, and with the digest of a file in place of the file where that is long.
fn comparable(lines: &[Value]) -> Vec<Value> {
    let mut lines = normal_form(lines);
    for blob in lines.iter_mut().filter_map(|line| line.pointer_mut("/data/data/message/blob")) {
        if let Some(text) = blob.as_str().filter(|text| text.len() > LONGEST_SHOWN) {
            let digest = Sha256::digest(text);
            *blob = format!("<{} characters of SHA-256 {}>", text.len(), STANDARD.encode(digest)).into();
        }
    }
    lines
}

/// What ours asks and the official plugin does not.
fn asked_beyond(case: &str) -> Vec<Question> {
    match case {
        // A bucket that is not in the configured region may be in another one.
        "cos_browse_no_bucket" => vec![Question {
            method: "GET".to_owned(),
            host: "service.cos.myqcloud.com".to_owned(),
            path: "/".to_owned(),
            parameters: [].into(),
        }],
        _ => vec![],
    }
}
