//! Requests of somebody else to the server, and a server that is none.

#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

/// What a [`slow_proxy`] does to the bytes that the server sends.
#[derive(Clone, Copy)]
pub(crate) enum Slow {
    /// On the WebSocket, every piece comes this much later.
    Frames(Duration),
    /// On the WebSocket, nothing comes after so many bytes, and the connection stays open.
    StallAfter(usize),
    /// Files come in pieces of so many bytes, each this much after the one before.
    Files(usize, Duration),
}

/// Puts a network between plugin and server that is slow in one way. Gives the address to use.
pub(crate) async fn slow_proxy(on: &OnEmulator, slow: Slow) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (inner, prefix) = on.comfyui.url().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let address = format!("http://{}/{prefix}", listener.local_addr().unwrap());
    let inner = inner.to_owned();
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            let inside = TcpStream::connect(&inner).await.unwrap();
            tokio::spawn(pass(outside, inside, slow));
        }
    });
    address
}

async fn pass(outside: TcpStream, inside: TcpStream, slow: Slow) {
    let (mut from_plugin, mut to_plugin) = outside.into_split();
    let (mut from_server, mut to_server) = inside.into_split();
    let is_slow = Arc::new(AtomicBool::new(false));
    let noticed = Arc::clone(&is_slow);
    let requests = async move {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from_plugin.read(&mut bytes).await {
            let wanted: &[u8] = if matches!(slow, Slow::Files(..)) { b"/view?" } else { b"/ws?" };
            if bytes[..length].windows(wanted.len()).any(|window| window == wanted) {
                noticed.store(true, Ordering::Relaxed);
            }
            if to_server.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
    };
    let answers = async move {
        let mut bytes = vec![0; 16 * 1024];
        let mut passed = 0;
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            let piece = match slow {
                _ if !is_slow.load(Ordering::Relaxed) => length,
                Slow::Frames(delay) => {
                    tokio::time::sleep(delay).await;
                    length
                }
                Slow::StallAfter(most) if passed >= most => std::future::pending().await,
                Slow::StallAfter(_) => length,
                Slow::Files(piece, _) => piece,
            };
            for piece in bytes[..length].chunks(piece) {
                if let (Slow::Files(_, delay), true) = (slow, is_slow.load(Ordering::Relaxed)) {
                    tokio::time::sleep(delay).await;
                }
                if to_plugin.write_all(piece).await.is_err() {
                    return;
                }
            }
            passed += length;
        }
    };
    tokio::join!(requests, answers);
}
