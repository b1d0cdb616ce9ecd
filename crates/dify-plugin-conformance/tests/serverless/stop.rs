//! A process that is told to stop ends its calls first, takes no more, and has written nothing to standard output.

use std::time::Duration;

use dify_plugin_host::{DifyHost, RawConnection};
use serde_json::json;
use tokio::net::TcpListener;

use crate::started::{emit_line, start};

const LONG: Duration = Duration::from_secs(60);

async fn health(address: &str) -> Option<String> {
    let mut probe = RawConnection::open(address).await.ok()?;
    probe.send("GET /health HTTP/1.1\r\nHost: plugin\r\nConnection: close\r\n\r\n").await.ok()?;
    Some(probe.read_all().await)
}

#[tokio::test]
async fn calls_in_flight_are_ended_and_probes_and_new_calls_are_told() {
    let process = start("tool", &DifyHost::default()).await;
    assert!(health(process.address()).await.unwrap().starts_with("HTTP/1.1 200 "));
    let mut reader = RawConnection::open(process.address()).await.unwrap();
    // Long enough for what is asked meanwhile, on a machine with other work too.
    reader.invoke(&emit_line(&json!({"kind": "wait", "size": 4000, "tag": "whole"}))).await.unwrap();
    reader.read_until("200 OK").await.unwrap();
    process.terminate().unwrap();
    let told = loop {
        let told = health(process.address()).await.expect("the listener was closed with a call in flight");
        if !told.starts_with("HTTP/1.1 200 ") {
            break told;
        }
    };
    assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    let (status, text) = process.plugin().post_raw(emit_line(&json!({"kind": "text"}))).await.unwrap();
    assert!(status == 503 && text.contains("PluginStopping"), "{status} {text}");
    let answer = reader.read_all().await;
    assert!(answer.contains("whole") && answer.contains(r#"{"type":"end","data":{}}"#), "{answer}");
    let (status, written) = process.wait(LONG).await.unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(written, b"");
}

#[tokio::test]
async fn with_nothing_to_do_it_ends_at_once() {
    let process = start("tool", &DifyHost::default()).await;
    let idle = RawConnection::open(process.address()).await.unwrap();
    process.terminate().unwrap();
    let (status, _) = process.wait(LONG).await.unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(idle.read_all().await, "");
}

#[tokio::test]
async fn a_second_signal_gives_up_what_is_left_and_its_clean_up_is_done() {
    let process = start("tool", &DifyHost::default()).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let mut reader = RawConnection::open(process.address()).await.unwrap();
    reader.invoke(&emit_line(&json!({"kind": "clean_up", "tag": address}))).await.unwrap();
    reader.read_until("at work").await.unwrap();
    process.terminate().unwrap();
    while health(process.address()).await.is_some_and(|told| told.starts_with("HTTP/1.1 200 ")) {}
    process.terminate().unwrap();
    let answer = reader.read_all().await;
    assert!(answer.contains("PluginStoppedError") && answer.contains(r#"{"type":"end","data":{}}"#), "{answer}");
    tokio::time::timeout(LONG, server.accept()).await.expect("nothing was cleaned up").unwrap();
    let (status, _) = process.wait(LONG).await.unwrap();
    assert!(status.success(), "{status}");
}
