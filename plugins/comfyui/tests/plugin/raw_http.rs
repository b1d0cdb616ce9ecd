//! Requests of somebody else to the server, and a server that is none.

#![allow(dead_code, clippy::unwrap_used)]

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::on_emulator::{OnEmulator, TOKEN};

async fn exchange(on: &OnEmulator, method: &str, path: &str, body: &str) -> Value {
    let (host, prefix) = on.comfyui.url().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} /{prefix}{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    // Chunked or not: the JSON is what stands between the outer braces.
    let json = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let json = json.find('{').and_then(|from| json.get(from..=json.rfind('}')?)).unwrap_or("null");
    serde_json::from_str(json).unwrap()
}

pub(crate) async fn get(on: &OnEmulator, path: &str) -> Value {
    exchange(on, "GET", path, "").await
}

pub(crate) async fn post(on: &OnEmulator, path: &str, body: &Value) -> Value {
    exchange(on, "POST", path, &body.to_string()).await
}

/// The address of a server that answers everything with this page.
pub(crate) async fn serve_always(status: &'static str, page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let _ = connection.read(&mut head).await;
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            let _ = connection.write_all(format!("{head}{page}").as_bytes()).await;
        }
    });
    address
}
