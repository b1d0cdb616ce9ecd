//! A reader that has gone, as in `oxidify … | head`, ends a command, and nothing is said about it.

#![allow(clippy::unwrap_used)]

mod emulator;

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use emulator::Emulator;

/// As of a program that SIGPIPE has ended.
const UNREAD: Option<i32> = Some(141);

const PROMPT: &str = r#"{
    "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "black"}}
}"#;

fn oxidify(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    command.args(arguments);
    // What the user's shell holds must not reach a test.
    for name in ["COMFYUI_BASE_URL", "COMFYUI_API_KEY"] {
        command.env_remove(name);
    }
    command
}

/// Standard output without a reader.
fn unread() -> Stdio {
    let (_, writer) = io::pipe().unwrap();
    writer.into()
}

fn run_unread(arguments: &[&str]) -> Output {
    oxidify(arguments).stdout(unread()).output().unwrap()
}

#[track_caller]
fn ended_quietly(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*said), (UNREAD, ""));
}

fn write_prompt(folder: &Path) -> String {
    let path = folder.join("prompt.json");
    fs::write(&path, PROMPT).unwrap();
    path.display().to_string()
}

#[test]
fn a_converted_workflow() {
    let folder = tempfile::tempdir().unwrap();
    let prompt = write_prompt(folder.path());
    ended_quietly(&run_unread(&["convert", &prompt, "--object-info", &prompt]));
}

#[test]
fn an_emulator() {
    ended_quietly(&run_unread(&["emulate", "comfyui", "--port", "0"]));
}

#[test]
fn the_demonstration() {
    let folder = tempfile::tempdir().unwrap();
    ended_quietly(&run_unread(&["demo", "--out", &folder.path().display().to_string()]));
}

#[test]
fn a_call_and_its_results() {
    let folder = tempfile::tempdir().unwrap();
    let (prompt, out) = (write_prompt(folder.path()), folder.path().display().to_string());
    let server = Emulator::start(&["comfyui"]);
    let workflow = format!("@{prompt}");
    for action in [&["workflow", "--workflow-json", &workflow, "--out", &out][..], &["saved-workflows"], &["validate"]]
    {
        let arguments = [&["invoke", "comfyui", "--base-url", &server.url], action].concat();
        ended_quietly(&run_unread(&arguments));
    }
}

#[test]
fn standard_error_too() {
    let status = oxidify(&["convert", "no such file", "--object-info", "-"]).stdout(unread()).stderr(unread()).status();
    // A panic would be 101.
    assert_eq!(status.unwrap().code(), Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let prompt = write_prompt(folder.path());
    let full = fs::File::create("/dev/full").unwrap();
    let output = oxidify(&["convert", &prompt, "--object-info", &prompt]).stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("oxidify: standard output: No space left on device"), "{said}");
}
