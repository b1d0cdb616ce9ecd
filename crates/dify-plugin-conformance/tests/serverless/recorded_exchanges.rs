//! Exchanges recorded with the official Python SDK, made with ours.

use dify_plugin_conformance::{normal_form, recorded_sessions};
use dify_plugin_host::{DifyHost, RawConnection, ServerlessProcess};
use serde_json::Value;

use crate::started::start;

/// Status and body of the answer to a request as it was recorded.
async fn exchange(process: &ServerlessProcess, request: &Value) -> (u64, String, String) {
    let (method, path, body) = match request.as_str() {
        Some(line) => line.split_once(' ').map(|(method, path)| (method, path, String::new())).unwrap(),
        None => {
            let body = request["body"].as_str().map_or_else(|| request["json"].to_string(), str::to_owned);
            (request["method"].as_str().unwrap(), request["path"].as_str().unwrap(), body)
        }
    };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: plugin\r\nConnection: close\r\n");
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        head += &format!("{name}: {}\r\n", value.as_str().unwrap());
    }
    let mut connection = RawConnection::open(process.address()).await.unwrap();
    connection.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await.unwrap();
    let answer = connection.read_all().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.contains("transfer-encoding: chunked") { dechunked(body) } else { body.to_owned() };
    (status, head.to_owned(), body)
}

fn dechunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        text += &rest[..size];
        body = &rest[(size + 2).min(rest.len())..];
    }
    text
}

/// Lines with their blank ones between them, without what is different each time.
fn lines(body: &str) -> Vec<Value> {
    assert!(body.ends_with("\n\n"), "{body:?}");
    let lines: Vec<Value> = body.split_terminator("\n\n").map(|line| serde_json::from_str(line).unwrap()).collect();
    normal_form(&lines)
}

#[tokio::test]
async fn the_same_answers_come_out() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let recorded = std::fs::read_to_string(folder.join("serverless.http.json")).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    let process = start("tool", &DifyHost::default()).await;
    let mut compared = 0;
    for (name, exchanged) in recorded.as_object().unwrap() {
        if exchanged["request"].is_null() {
            // What the server printed when it started.
            continue;
        }
        let (status, head, body) = exchange(&process, &exchanged["request"]).await;
        let recorded_body = exchanged["response"]["body"].as_str().unwrap();
        match (name.as_str(), exchanged["response"]["status"].as_u64().unwrap()) {
            ("health", 200) => assert_eq!((status, body.as_str()), (200, recorded_body)),
            (_, 200) => {
                assert_eq!(status, 200, "{name}: {body}");
                assert_eq!(lines(&body), lines(recorded_body), "{name}");
            }
            (_, 405) => assert!(status == 405 && head.contains("allow: POST"), "{name}: {head}"),
            // The official SDK says 500 to whatever it cannot read; ours says whose fault it is.
            (_, 500) => assert!(status == 400 && body.contains("errorMessage"), "{name}: {status} {body}"),
            other => panic!("{other:?}"),
        }
        compared += 1;
    }
    println!("{compared} recorded exchanges compared");
    assert!(compared >= 8, "only {compared} exchanges were found");
}
