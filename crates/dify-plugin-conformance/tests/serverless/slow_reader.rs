//! A reader that takes its time holds its own call back, and neither memory nor the others.

use std::time::Duration;

use dify_plugin_host::{CallRequest, DifyHost, RawConnection};
use serde_json::json;
use tokio::time::sleep;

use crate::started::{emit_line, start, start_with};
use crate::vectors_plugin::{Hash, MIB, emit, expected};

const LARGE: u64 = 300 * MIB;

/// What the plugin may use beyond what it used after a first small call, whatever the size of the file.
const GROWTH: u64 = 8 * MIB;

#[tokio::test]
async fn memory_stays_flat_while_a_reader_takes_nothing_and_others_are_served() {
    let process = start_with("tool", &DifyHost::default(), &[("PLUGIN_MAX_FILE_SIZE", &LARGE.to_string())]).await;
    process.plugin().invoke_tool(emit(json!({"kind": "stream", "size": 100_000}))).await.unwrap();
    let before = process.peak_rss_bytes().unwrap_or_default();
    let mut readers = Vec::new();
    for _ in 0..5 {
        let mut reader = RawConnection::open(process.address()).await.unwrap();
        reader.invoke(&emit_line(&json!({"kind": "stream", "size": LARGE}))).await.unwrap();
        reader.read_until("200 OK").await.unwrap();
        readers.push(reader);
    }
    // Time in which they would fill memory.
    for _ in 0..20 {
        sleep(Duration::from_millis(20)).await;
        assert_eq!(process.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    }
    let growth = process.peak_rss_bytes().unwrap_or_default().saturating_sub(before);
    println!("five readers that take nothing: memory grew by {} KiB", growth / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
}

#[tokio::test]
async fn a_large_file_arrives_whole_and_memory_stays_flat() {
    let dify = DifyHost::builder().merged_file_limit(LARGE).build();
    let process = start_with("tool", &dify, &[("PLUGIN_MAX_FILE_SIZE", &LARGE.to_string())]).await;
    process.plugin().invoke_tool(emit(json!({"kind": "stream", "size": 100_000}))).await.unwrap();
    let before = process.peak_rss_bytes().unwrap_or_default();
    let hash = Hash::default();
    let sink = hash.clone();
    let call = CallRequest::from(emit(json!({"kind": "stream", "size": LARGE}))).files_to(move |_| Ok(sink.sink()));
    process.plugin().call(call).await.unwrap();
    assert_eq!(hash.finish(), expected(LARGE));
    let growth = process.peak_rss_bytes().unwrap_or_default().saturating_sub(before);
    println!("300 MB over HTTP: memory grew by {} KiB", growth / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
}

#[tokio::test]
async fn the_longest_line_passes() {
    let process = start("tool", &DifyHost::default()).await;
    let answer = process.plugin().invoke_tool(emit(json!({"kind": "long_text", "size": 5_242_000}))).await.unwrap();
    assert_eq!(answer.text().len(), 5_242_000);
}
