//! Calls that are at work when the connection goes are dropped, and clean up after themselves.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dify_plugin_host::{CallEvent, CallFailure, DebuggedPlugin, DebuggingServer, DifyHost};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, emit, registered};

const PATIENCE: Duration = Duration::from_secs(60);

/// A call at work, and a listener that hears when it has cleaned up after itself.
async fn at_work(debugged: &DebuggedPlugin) -> (dify_plugin_host::Call, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tag = listener.local_addr().unwrap().to_string();
    let mut call = debugged.plugin.start_call(emit(json!({"kind": "clean_up", "tag": tag}))).await.unwrap();
    let first = call.next().await.unwrap().unwrap();
    assert!(matches!(first, CallEvent::Message(_)), "{first:?}");
    (call, listener)
}

#[tokio::test]
async fn at_a_loss_they_clean_up_and_the_next_connection_is_clean() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let mut laptop = Laptop::start_for(&server);
    let first = registered(&server).await;
    let (mut call, listener) = at_work(&first).await;
    first.plugin.stop().await;
    assert_eq!(call.next().await, Some(Err(CallFailure::Disconnected)));
    timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    laptop.says("and 1 of Dify's calls with it").await;
    let second = registered(&server).await.plugin;
    assert_eq!(second.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    assert_eq!(second.violations(), []);
}

#[cfg(unix)]
#[tokio::test]
async fn at_a_stop_they_clean_up_first() {
    for signal in ["TERM", "INT"] {
        let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
        let laptop = Laptop::start_for(&server);
        let debugged = registered(&server).await;
        let (_call, listener) = at_work(&debugged).await;
        laptop.signal(signal).await;
        timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let (status, lines) = laptop.ends().await;
        assert!(status.success());
        assert_eq!(lines.last().unwrap(), "vec_tool 0.0.1: stopped");
    }
}
