//! Servers that repeat what they were sent, where it may be shown.

#![allow(dead_code, clippy::unwrap_used)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with what `answer` makes of it. Gives the address.
async fn answering(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = vec![0; 64 * 1024];
            let read = connection.read(&mut head).await.unwrap_or_default();
            let answer = answer(&String::from_utf8_lossy(&head[..read]));
            let _ = connection.write_all(answer.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    });
    address
}

/// Repeats the whole of every request, its body included, behind `before` and with this status.
pub(crate) async fn repeating(status: &'static str, media_type: &'static str, before: String) -> String {
    answering(move |request| {
        let said = match media_type {
            "application/json" => {
                let said = serde_json::json!({
                    "error": {"type": "t", "message": format!("{before}{request}"), "details": request},
                    "node_errors": {"1": {"class_type": "X", "errors": [{"type": "t", "message": request, "details": request}]}},
                });
                said.to_string()
            }
            _ => format!("{before}{request}"),
        };
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
            said.len()
        )
    })
    .await
}

/// Sends everybody to `elsewhere`, with their own credentials in the address.
pub(crate) async fn redirecting_to(elsewhere: String) -> String {
    answering(move |request| {
        let key = request.lines().find_map(|line| line.split_once("uthorization: Bearer ")).unwrap_or_default().1;
        format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}/?key={key}\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n"
        )
    })
    .await
}
