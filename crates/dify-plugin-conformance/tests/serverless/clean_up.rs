//! A reader that goes away takes its call with it, and what the call leaves to be done is done.

use std::time::Duration;

use dify_plugin_host::{DifyHost, RawConnection};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::started::{emit_line, start};
use crate::vectors_plugin::emit;

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn who_hangs_up_has_the_call_dropped_and_cleaned_up_after() {
    let process = start("tool", &DifyHost::default()).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut reader = RawConnection::open(process.address()).await.unwrap();
    reader.invoke(&emit_line(&json!({"kind": "clean_up", "tag": address}))).await.unwrap();
    reader.read_until("at work").await.unwrap();
    drop(reader);
    timeout(LONG, server.accept()).await.expect("nothing was cleaned up").unwrap();
    assert_eq!(process.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn who_hangs_up_while_waiting_for_a_place_leaves_nothing_behind() {
    let process = crate::started::start_with("tool", &DifyHost::default(), &[("MAX_WORKER", "1")]).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut first = RawConnection::open(process.address()).await.unwrap();
    first.invoke(&emit_line(&json!({"kind": "clean_up", "tag": address}))).await.unwrap();
    first.read_until("at work").await.unwrap();
    for _ in 0..10 {
        let mut waiting = RawConnection::open(process.address()).await.unwrap();
        waiting.invoke(&emit_line(&json!({"kind": "clean_up", "tag": address}))).await.unwrap();
    }
    drop(first);
    timeout(LONG, server.accept()).await.expect("nothing was cleaned up").unwrap();
    assert_eq!(process.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}
