//! A server that sends everybody elsewhere.

#![allow(dead_code, clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with a redirect to `elsewhere` that repeats the request's own signature. Gives an endpoint.
pub(crate) async fn redirecting_to(elsewhere: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let read = connection.read(&mut head).await.unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let signature = head.lines().find_map(|line| line.split_once("uthorization: ")).unwrap_or_default().1;
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {elsewhere}/?{signature}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/{{bucket}}")
}
