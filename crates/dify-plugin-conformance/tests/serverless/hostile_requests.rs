//! Whatever is sent, what is answered is plain, and the next call is served.

use dify_plugin_host::{CallFailure, DifyHost, RawConnection, ServerlessFailure, ServerlessProcess};
use serde_json::json;

use crate::started::{emit_line, start, start_with};
use crate::vectors_plugin::{MIB, emit};

async fn said(process: &ServerlessProcess, request: &str) -> String {
    let mut connection = RawConnection::open(process.address()).await.unwrap();
    // It may be refused before all of it is sent.
    let _ = connection.send(request).await;
    connection.read_all().await
}

async fn serves(process: &ServerlessProcess) {
    assert_eq!(process.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn paths_and_methods() {
    let process = start("tool", &DifyHost::default()).await;
    for (request, status, in_head) in [
        ("GET /health", "200", "content-length: 2"),
        ("HEAD /health", "200", "content-length: 2"),
        ("POST /health", "405", "allow: GET, HEAD"),
        ("GET /invoke", "405", "allow: POST"),
        ("DELETE /invoke?action=x", "405", "allow: POST"),
        ("GET /", "404", "content-type: application/json"),
        ("POST /invoke/", "404", ""),
    ] {
        let request = format!("{request} HTTP/1.1\r\nHost: plugin\r\nConnection: close\r\n\r\n");
        let answer = said(&process, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(in_head), "{request}: {answer}");
        assert_eq!(answer.ends_with("\r\n\r\n"), request.starts_with("HEAD"), "{answer}");
    }
    serves(&process).await;
}

#[tokio::test]
async fn requests_that_are_no_calls() {
    let process = start("tool", &DifyHost::default()).await;
    let deep = "[".repeat(100_000);
    let long = json!({"session_id": "s", "event": "\u{1}".repeat(10_000), "data": {}}).to_string();
    let answer_line = json!({"session_id": "s", "event": "backwards_response", "data": {}}).to_string();
    for body in
        ["garbage", "", "{}", "[]", "null", r#"{"event":"request","session_id":"s"}"#, &deep, &long, &answer_line]
    {
        let (status, text) = process.plugin().post_raw(body.to_owned()).await.unwrap();
        assert!(status == 400 && text.contains("errorMessage"), "{status} {text}");
        assert!(text.len() < 4096, "the daemon reads no more: {}", text.len());
    }
    serves(&process).await;
}

#[tokio::test]
async fn a_request_of_the_largest_size_is_a_call_and_a_larger_one_is_not() {
    let process = start("tool", &DifyHost::default()).await;
    let padding = |length: usize| emit(json!({"kind": "echo_params", "padding": "x".repeat(length)}));
    let answer = process.plugin().invoke_tool(padding(5_200_000)).await.unwrap();
    assert_eq!(answer.json()[0]["padding"].as_str().map(str::len), Some(5_200_000));
    let Err(failure) = process.plugin().invoke_tool(padding(5_242_880)).await else { panic!("it was sent") };
    assert!(matches!(failure, CallFailure::Serverless(ServerlessFailure::RequestTooLarge { .. })), "{failure}");
    for head in ["Content-Length: 6000000", "Transfer-Encoding: chunked"] {
        let head = format!("POST /invoke HTTP/1.1\r\nHost: plugin\r\n{head}\r\n\r\n");
        let chunk = format!("{:x}\r\n{}\r\n", MIB, "x".repeat(usize::try_from(MIB).unwrap()));
        let answer = said(&process, &(head + &chunk.repeat(7))).await;
        // A connection that is reset may lose the answer.
        assert!(answer.starts_with("HTTP/1.1 413 ") || answer.is_empty(), "{answer}");
    }
    serves(&process).await;
}

#[tokio::test]
async fn what_is_no_http() {
    let process = start("tool", &DifyHost::default()).await;
    let large_field = format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many_fields = format!("GET /health HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    for request in [
        "\0\0\0\0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "POST /invoke HTTP/1.1\r\nContent-Length: minus one\r\n\r\n",
        "POST /invoke HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        &large_field,
        &many_fields,
    ] {
        let mut connection = RawConnection::open(process.address()).await.unwrap();
        let _ = connection.send(request).await;
        if request.ends_with("\n") {
            let answer = connection.read_all().await;
            let start = request.get(..20).unwrap_or(request);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{start:?}: {answer}");
        }
    }
    serves(&process).await;
}

#[tokio::test]
async fn requests_that_break_off_and_connections_that_say_nothing() {
    let process = start_with("tool", &DifyHost::default(), &[("MAX_WORKER", "3")]).await;
    let line = emit_line(&json!({"kind": "text"}));
    let whole = format!("POST /invoke HTTP/1.1\r\nHost: plugin\r\nContent-Length: {}\r\n\r\n{line}", line.len());
    for end in (0..whole.len()).step_by(23) {
        let mut connection = RawConnection::open(process.address()).await.unwrap();
        connection.send(&whole[..end]).await.unwrap();
    }
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(RawConnection::open(process.address()).await.unwrap());
    }
    serves(&process).await;
    // Byte by byte is slow, and right.
    let mut patient = RawConnection::open(process.address()).await.unwrap();
    for byte in whole.bytes() {
        patient.send([byte]).await.unwrap();
    }
    patient.read_until("hello").await.unwrap();
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let process = start("tool", &DifyHost::default()).await;
    let mut connection = RawConnection::open(process.address()).await.unwrap();
    for i in 0..5 {
        let tag = format!("call {i}");
        connection.invoke(&emit_line(&json!({"kind": "wait", "size": 0, "tag": tag}))).await.unwrap();
        let answer = connection.read_until("0\r\n\r\n").await.unwrap();
        assert!(answer.contains(&tag) && answer.contains("transfer-encoding: chunked"), "{answer}");
        connection.invoke("garbage").await.unwrap();
        connection.read_until("BadRequest").await.unwrap();
    }
}
