//! Calls back into Dify are HTTP requests of their own, and what keeps them from happening is told.

use dify_plugin_host::{
    CallFailure, CallRequest, Carrier, DifyHost, ServerlessProcess, TransactionFault, UploadEndpoint,
};
use dify_plugin_protocol::CallError;
use serde_json::json;

use crate::started::{start, start_with};
use crate::vectors_plugin::{Hash, MIB, download, emit, expected, tool};

const LARGE: u64 = 300 * MIB;

/// What the plugin may use beyond what it used after a first small call, whatever the size of the file.
const GROWTH: u64 = 8 * MIB;

async fn failure(process: &ServerlessProcess, op: &str) -> CallError {
    match process.plugin().invoke_tool(tool("callback", json!({"op": op}))).await {
        Err(CallFailure::Plugin(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_storage_is_there() {
    let process = start("tool", &DifyHost::default()).await;
    let answer = process.plugin().invoke_tool(tool("callback", json!({"op": "storage_roundtrip"}))).await.unwrap();
    assert_eq!(answer.json()[0], &json!({"got": "000168656c6c6fff"}));
    assert_eq!(answer.called_back, ["storage", "storage"]);
    let answer = process.plugin().invoke_tool(tool("callback", json!({"op": "storage_exist_delete"}))).await.unwrap();
    assert_eq!(answer.json(), [&json!({"exist": true}), &json!({"exist": false})]);
    let refused = failure(&process, "storage_get_missing").await;
    assert!(refused.message.contains("load data failed"), "{}", refused.message);
}

#[tokio::test]
async fn large_files_of_both_kinds_are_uploaded_and_memory_stays_flat() {
    for kind in ["tool", "drive"] {
        let hash = Hash::default();
        let sink = hash.clone();
        let uploads = UploadEndpoint::builder().files_to(move |_| Ok(sink.sink())).start().await.unwrap();
        let process = start(kind, &DifyHost::builder().uploads(uploads).build()).await;
        let call = |size: u64| match kind {
            "tool" => CallRequest::from(emit(json!({"kind": "stream", "size": size}))),
            _ => CallRequest::from(download(&format!("generated/{size}"))),
        };
        process.plugin().call(call(100_000)).await.unwrap();
        let before = process.peak_rss_bytes().unwrap_or_default();
        let answer = process.plugin().call(call(LARGE)).await.unwrap();
        assert_eq!((answer.files[0].carrier, answer.files[0].size), (Carrier::Link, LARGE), "{kind}");
        assert_eq!(answer.called_back, ["upload_file"]);
        assert_eq!(hash.finish(), expected(LARGE));
        let growth = process.peak_rss_bytes().unwrap_or_default().saturating_sub(before);
        println!("300 MB of a {kind} as an upload: memory grew by {} KiB", growth / 1024);
        assert!(growth < GROWTH, "{kind}: grew by {growth} bytes");
    }
}

#[tokio::test]
async fn an_address_that_is_not_set_or_not_there_is_named_when_it_is_needed() {
    let nowhere = start_with("tool", &DifyHost::default(), &[("DIFY_PLUGIN_DAEMON_URL", "")]).await;
    assert_eq!(nowhere.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    let unset = failure(&nowhere, "storage_roundtrip").await;
    assert!(unset.message.contains("DIFY_PLUGIN_DAEMON_URL is not set"), "{}", unset.message);
    // Port 9 is not listened on.
    let address = "http://user:secret@127.0.0.1:9/path";
    let refused = start_with("tool", &DifyHost::default(), &[("DIFY_PLUGIN_DAEMON_URL", address)]).await;
    let refused = failure(&refused, "storage_roundtrip").await;
    assert!(refused.message.contains("connection refused"), "{}", refused.message);
    assert!(refused.message.contains("DIFY_PLUGIN_DAEMON_URL"), "{}", refused.message);
    assert!(!refused.message.contains("secret"), "{}", refused.message);
}

#[tokio::test]
async fn what_an_endpoint_may_do_wrong_is_told_in_the_error() {
    let process = start("tool", &DifyHost::default()).await;
    for (fault, expected) in [
        (TransactionFault::UnknownSession, "failed to get session info from cache"),
        (TransactionFault::Refuse(404), "PLATFORM=serverless"),
        (TransactionFault::Refuse(500), "status 500"),
        (TransactionFault::Garbage, "unexpected answer"),
        (TransactionFault::Cut, "the connection was lost"),
        (TransactionFault::Empty, "Dify gave no answer"),
    ] {
        process.transactions().set_fault(Some(fault));
        let error = failure(&process, "storage_roundtrip").await;
        assert!(error.message.contains(expected), "{fault:?}: {}", error.message);
    }
    process.transactions().set_fault(Some(TransactionFault::InPieces));
    let answer = process.plugin().invoke_tool(tool("callback", json!({"op": "storage_roundtrip"}))).await.unwrap();
    assert_eq!(answer.json()[0], &json!({"got": "000168656c6c6fff"}));
}

#[tokio::test]
async fn an_answer_without_an_end_does_not_fill_memory() {
    let process = start("tool", &DifyHost::default()).await;
    process.transactions().set_fault(Some(TransactionFault::EndlessLine(500)));
    let error = failure(&process, "storage_roundtrip").await;
    assert!(error.message.contains("67108864"), "{}", error.message);
    assert!(process.peak_rss_bytes().unwrap_or_default() < 200 * MIB);
}
