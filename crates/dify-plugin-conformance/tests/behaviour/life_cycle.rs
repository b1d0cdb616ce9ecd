//! How a plugin begins, goes on after what should not happen, and ends.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::vectors_plugin::{MIB, emit, start, tool};
use dify_plugin_host::{CallFailure, DifyHost};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_in_flight_is_finished_after_the_input_has_ended() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let call = plugin.start_call(emit(json!({"kind": "wait", "size": 700, "tag": "done"}))).await.unwrap();
    plugin.close_stdin().await.unwrap();
    assert_eq!(call.answer().await.unwrap().text(), "done");
    assert!(plugin.wait_exit(PATIENCE).await.unwrap().success());
}

#[tokio::test]
async fn a_call_that_waits_for_dify_is_told_when_the_input_ends() {
    // Without services, and with an input that ends at once, as the daemon's single-shot runner has it.
    let plugin = start("tool", &DifyHost::builder().build()).await;
    plugin.send_raw_line(r#"{"session_id":"s","event":"request","data":{"user_id":"u","type":"tool","action":"invoke_tool","provider":"vec","tool":"callback","credentials":{},"tool_parameters":{"op":"timeout"}}}"#).await.unwrap();
    plugin.close_stdin().await.unwrap();
    assert!(plugin.wait_exit(PATIENCE).await.unwrap().success());
}

#[tokio::test]
async fn garbage_is_complained_about_and_survived() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    for garbage in [
        "garbage",
        "[1,2]",
        "{}",
        "{\"session_id\":7}",
        "\u{0}\u{1}",
        "{\"session_id\":\"s\",\"event\":\"request\",\"data\":",
    ] {
        plugin.send_raw_line(garbage).await.unwrap();
    }
    plugin.send_raw_line(b"\xff\xfe".as_slice()).await.unwrap();
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    assert_eq!(plugin.violations().len(), 7, "{:?}", plugin.violations());
}

#[tokio::test]
async fn a_panic_ends_its_call_and_nothing_else() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let waiting = plugin.start_call(emit(json!({"kind": "wait", "size": 500, "tag": "still here"}))).await.unwrap();
    let failed = plugin.invoke_tool(emit(json!({"kind": "panic"}))).await;
    let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
    assert!(!error.message.contains("on purpose"), "the payload of a panic may hold a secret: {}", error.message);
    assert_eq!(waiting.answer().await.unwrap().text(), "still here");
    assert!(plugin.stderr().contains("vectors-plugin.rs"), "{}", plugin.stderr());
}

#[tokio::test]
async fn an_answer_that_no_line_can_carry_is_an_error_and_not_the_end() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let failed = plugin.invoke_tool(emit(json!({"kind": "long_text", "size": 6 * MIB}))).await;
    let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
    assert!(error.message.contains("5242879"), "{}", error.message);
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn a_reader_that_pauses_loses_nothing_and_memory_stays_flat() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap();
    let before = plugin.rss_bytes().unwrap_or_default();
    let call = plugin.start_call(emit(json!({"kind": "stream", "size": 25 * MIB}))).await.unwrap();
    plugin.pause_reading();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let growth = plugin.rss_bytes().unwrap_or_default().saturating_sub(before);
    plugin.resume_reading();
    assert_eq!(call.answer().await.unwrap().files[0].size, 25 * MIB);
    assert!(growth < 8 * MIB, "grew by {growth} bytes while nobody read");
}

#[tokio::test]
async fn what_a_call_leaves_behind_says_nothing_after_its_end() {
    let plugin = start("tool", &DifyHost::builder().linger(Duration::from_millis(300)).build()).await;
    let answer = plugin.invoke_tool(emit(json!({"kind": "left_behind"}))).await.unwrap();
    assert_eq!(answer.text(), "in time");
    assert!(plugin.violations().is_empty(), "{:?}", plugin.violations());
}

#[tokio::test]
async fn an_unknown_tool_is_named() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let failed = plugin.invoke_tool(tool("no such tool", json!({}))).await;
    let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
    assert!(error.message.contains("no such tool"), "{}", error.message);
}

#[test]
fn a_broken_output_ends_the_process() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut heartbeat = String::new();
    stdout.read_line(&mut heartbeat).unwrap();
    assert_eq!(heartbeat, "{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n");
    drop(stdout);
    // Standard input stays open: only the output tells.
    let mut stdin = child.stdin.take().unwrap();
    let request = json!({"session_id": "s", "event": "request", "data": {
        "user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "vec", "tool": "emit",
        "credentials": {}, "tool_parameters": {"kind": "text"},
    }});
    writeln!(stdin, "{request}").unwrap();
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "the process outlived its output");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(!status.success());
}

/// A call that is at work, and a listener that hears when it has cleaned up after itself.
fn at_work() -> (Child, ChildStdin, BufReader<ChildStdout>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let request = |kind: &str| {
        json!({"session_id": kind, "event": "request", "data": {
            "user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "vec", "tool": "emit",
            "credentials": {}, "tool_parameters": {"kind": kind, "tag": listener.local_addr().unwrap().to_string()},
        }})
    };
    writeln!(stdin, "{}", request("clean_up")).unwrap();
    let mut line = String::new();
    while !line.contains("at work") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0);
    }
    (child, stdin, stdout, listener)
}

fn is_cleaned_up(mut child: Child, listener: &TcpListener) -> ExitStatus {
    let status = child.wait().unwrap();
    assert!(listener.accept().is_ok(), "the call was dropped without a chance to clean up");
    status
}

#[cfg(unix)]
#[test]
fn told_to_stop_it_drops_its_calls_and_lets_them_clean_up() {
    let (child, _stdin, _stdout, listener) = at_work();
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(is_cleaned_up(child, &listener).success());
}

#[test]
fn a_broken_output_drops_the_calls_and_lets_them_clean_up() {
    let (child, mut stdin, stdout, listener) = at_work();
    drop(stdout);
    let request = json!({"session_id": "s", "event": "request", "data": {
        "user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "vec", "tool": "emit",
        "credentials": {}, "tool_parameters": {"kind": "text"},
    }});
    writeln!(stdin, "{request}").unwrap();
    assert!(!is_cleaned_up(child, &listener).success());
}

#[test]
fn started_in_another_way_it_says_what_it_is() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_vectors-plugin")).env("INSTALL_METHOD", "carrier-pigeon").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("INSTALL_METHOD=carrier-pigeon"));
    assert!(output.stdout.is_empty());
}
