//! Behind a proxy that the environment names: HTTP and the WebSocket both take it.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::sync::{Arc, Mutex};

use on_emulator::OnEmulator;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that takes whatever it is asked for to `server`, and holds the first line of every connection.
async fn proxy(server: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            tokio::spawn(relay(client, server.clone(), Arc::clone(&log)));
        }
    });
    (address, seen)
}

async fn relay(mut client: TcpStream, server: String, log: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let first = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    let is_tunnel = first.starts_with("CONNECT ");
    log.lock().unwrap().push(first);
    let mut server = TcpStream::connect(server).await.unwrap();
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    } else {
        server.write_all(&head).await.unwrap();
    }
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_run_goes_through_it_with_its_socket() {
    // The plugin learns of the proxy when it starts, and the proxy of the server when that has a port.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (address, seen) = proxy(format!("127.0.0.1:{port}")).await;
    let mut on = OnEmulator::start_with(
        |comfyui| comfyui.port(port),
        |plugin| {
            plugin
                .env("HTTP_PROXY", &address)
                .env("http_proxy", &address)
                .env_remove("NO_PROXY")
                .env_remove("no_proxy");
        },
    )
    .await;
    // A host that only the proxy knows.
    on.fill_in("base_url", format!("http://comfyui.invalid:{port}/comfy"));
    let workflow = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "proxied"}},
    });
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(answer.files.len(), 1);
    let seen = seen.lock().unwrap();
    let tunnel = format!("CONNECT comfyui.invalid:{port} HTTP/1.1");
    assert_eq!(seen.iter().filter(|line| **line == tunnel).count(), 1, "{seen:?}");
    assert!(seen.iter().any(|line| line.contains("http://comfyui.invalid")), "{seen:?}");
    assert!(answer.logs().iter().all(|log| !log.data.contains_key("followed_by")), "{:?}", answer.logs());
}
