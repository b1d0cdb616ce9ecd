//! Files that users gave to Dify, at signed URLs.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dify_plugin_host::{FileContent, FileFault, FileServer};
use dify_plugin_protocol::FileType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Status line and body.
async fn get(url: &str) -> (u16, Vec<u8>, bool) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let broken = connection.read_to_end(&mut answer).await.is_err();
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let text = String::from_utf8_lossy(&answer[..head]).into_owned();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.get(head + 4..).unwrap_or_default().to_vec();
    let length: Option<usize> = text.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length: ").map(|length| length.parse().unwrap())
    });
    let cut = broken || length.is_some_and(|length| length != body.len());
    (status, body, cut)
}

#[tokio::test]
async fn a_file_is_a_parameter_with_a_url() {
    let server = FileServer::start().await.unwrap();
    let file = server.add("a photo.jpg", "image/jpeg", b"bytes".to_vec());
    let parameter = server.parameter(&file).unwrap();
    assert_eq!(parameter.dify_model_identity, "__dify__file__");
    assert_eq!((parameter.size, parameter.r#type), (Some(5), FileType::Image));
    assert_eq!(parameter.extension.as_deref(), Some(".jpg"));
    assert_eq!(get(&parameter.url).await, (200, b"bytes".to_vec(), false));
    assert_eq!(server.parameter_json(&file)["filename"], "a photo.jpg");

    let other = FileServer::start().await.unwrap();
    assert_eq!(other.parameter(&file), None);
    assert_eq!(get(&other.url_of(&file)).await.0, 404);
}

#[tokio::test]
async fn a_url_must_be_signed_and_fresh() {
    let server = FileServer::start_with(Duration::ZERO).await.unwrap();
    let file = server.add("a.txt", "text/plain", b"x".to_vec());
    let url = server.url_of(&file);
    let (before, sign) = url.rsplit_once("sign=").unwrap();
    assert_eq!(get(&format!("{before}sign=A{sign}")).await.0, 403);
    assert_eq!(get(before.split('?').next().unwrap()).await.0, 400);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(get(&url).await.0, 403);
}

#[tokio::test]
async fn content_can_be_made_while_it_is_sent() {
    let server = FileServer::start().await.unwrap();
    let content = FileContent::generated(200_001, |start, piece| {
        for (offset, byte) in piece.iter_mut().enumerate() {
            *byte = u8::try_from((start + offset as u64) % 251).unwrap();
        }
    });
    let file = server.add("a.bin", "application/octet-stream", content);
    let (status, body, cut) = get(&server.url_of(&file)).await;
    assert_eq!((status, body.len(), cut), (200, 200_001, false));
    assert!(body.iter().enumerate().all(|(n, byte)| usize::from(*byte) == n % 251));
}

#[tokio::test]
async fn a_server_can_be_out_of_order() {
    let server = FileServer::start().await.unwrap();
    let file = server.add("a.bin", "text/plain", vec![1; 100_000]);
    server.set_fault(Some(FileFault::Status(503)));
    assert_eq!(get(&server.url_of(&file)).await.0, 503);
    server.set_fault(Some(FileFault::CutAfter(70_000)));
    let (status, body, cut) = get(&server.url_of(&file)).await;
    assert!(status == 200 && cut && body.len() <= 70_000, "{status} {cut} {}", body.len());
    server.set_fault(Some(FileFault::Slow(Duration::from_millis(50))));
    let begun = std::time::Instant::now();
    assert_eq!(get(&server.url_of(&file)).await.1.len(), 100_000);
    assert!(begun.elapsed() >= Duration::from_millis(100));
}
