//! The debugging server refuses what the daemon refuses, in its words, and takes the rest.

#![allow(clippy::unwrap_used)]

use dify_plugin_host::{DebuggingServer, DifyHost};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn text(text: &str) -> Value {
    json!({"en_US": text})
}

fn handshake(server: &DebuggingServer) -> Value {
    json!({"type": "handshake", "data": {"key": server.key()}})
}

/// A registration that is right, without the handshake.
fn registration() -> Vec<Value> {
    vec![
        json!({"type": "manifest_declaration", "data": {
            "version": "0.0.1", "type": "plugin", "author": "me", "name": "drive", "label": text("Drive"),
            "description": text("A drive."), "icon": "icon.svg", "created_at": "2026-01-01T00:00:00Z",
            "resource": {"memory": 1024}, "plugins": {"datasources": ["provider/drive.yaml"]},
            "meta": {"version": "0.0.1", "arch": ["amd64"],
                     "runner": {"language": "python", "version": "3.12", "entrypoint": "main"}},
        }}),
        json!({"type": "datasource_declaration", "data": [{
            "identity": {"author": "me", "name": "drive", "label": text("Drive"), "description": text("A drive."),
                         "icon": "icon.svg"},
            "provider_type": "online_drive",
            "credentials_schema": [{"name": "key", "type": "secret-input", "label": text("Key")}],
            "datasources": [{"identity": {"author": "me", "name": "drive", "label": text("Drive")},
                             "description": text("A drive."), "parameters": []}],
        }]}),
        json!({"type": "asset_chunk", "data": {"filename": "icon.svg", "data": "PHN2Zy8+", "end": true}}),
        json!({"type": "end", "data": {}}),
    ]
}

/// What the server says to `lines` after the handshake; empty when it takes them.
async fn verdict(lines: &[Value]) -> String {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let all: String = [handshake(&server)].iter().chain(lines).map(|line| format!("{line}\n\n")).collect();
    stream.write_all(all.as_bytes()).await.unwrap();
    let outcome = server.next().await;
    if let Ok(debugged) = outcome {
        assert_eq!(debugged.registration.assets["icon.svg"], b"<svg/>");
        return String::new();
    }
    // Its words may be lost to a reset, as they are on real networks.
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said).await;
    let refusal = outcome.unwrap_err().to_string();
    assert!(said.is_empty() || said.trim_end() == refusal, "{said} {refusal}");
    refusal
}

/// The verdict on a registration in which one value is another, or gone where it is null.
async fn with(line: usize, pointer: &str, value: Value) -> String {
    let mut lines = registration();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = lines[line].pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => parent.remove(key),
        value => parent.insert(key.to_owned(), value),
    };
    verdict(&lines).await
}

#[tokio::test]
async fn what_is_right_is_taken() {
    assert_eq!(verdict(&registration()).await, "");
    assert_eq!(with(0, "/data/icon_dark", json!("icon.svg")).await, "");
    assert_eq!(with(1, "/data/0/credentials_schema", Value::Null).await, "");
}

#[tokio::test]
async fn another_order_is_refused() {
    let [manifest, provider, asset, end] = registration().try_into().unwrap();
    for (lines, expected) in [
        (vec![manifest.clone(), manifest.clone()], "declaration already registered"),
        (vec![provider.clone()], "datasource before the manifest"),
        (vec![manifest.clone(), asset.clone(), end.clone()], "no registration transferred, cannot initialize"),
        (
            vec![manifest.clone(), provider.clone(), end],
            "assets remap failed, invalid assets data, cannot remap: file not found: icon.svg\nfailed to remap",
        ),
        (vec![manifest, provider.clone(), provider], "datasource declaration already registered"),
        (vec![json!({"type": "end"})], "handshake failed, invalid handshake message"),
        (vec![json!(["end"])], "handshake failed, invalid handshake message"),
    ] {
        assert_eq!(verdict(&lines).await, expected);
    }
}

#[tokio::test]
async fn what_the_daemons_structs_demand_is_demanded() {
    let manifest = "handshake failed, invalid plugin declaration: ";
    let datasources = "datasources register failed, invalid datasources declaration: ";
    for (line, pointer, value, expected) in [
        (0, "/data/created_at", Value::Null, format!("{manifest}created_at: required, as RFC 3339")),
        (0, "/data/created_at", json!("2026-01-01 00:00:00"), format!("{manifest}created_at: required, as RFC 3339")),
        (0, "/data/resource", Value::Null, format!("{manifest}resource.memory: required")),
        (0, "/data/version", json!("1"), format!("{manifest}version: not a version")),
        (
            1,
            "/data/0/datasources/0/parameters",
            Value::Null,
            format!("{datasources}datasources[0].parameters: required"),
        ),
        (1, "/data/0/identity/author", Value::Null, format!("{datasources}identity.author: required")),
        (2, "/data/data", json!(""), "transfer assets failed, error: no data".to_owned()),
    ] {
        assert_eq!(with(line, pointer, value).await, expected);
    }
    let refusal = with(0, "/data/author", json!("Me")).await;
    assert!(refusal.starts_with("register failed, invalid manifest detected: author must be"), "{refusal}");
    let refusal = with(1, "/data/0/provider_type", json!("drive")).await;
    assert!(refusal.starts_with(&format!("{datasources}provider_type: ")), "{refusal}");
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(b"{\"type\":\"handshake\",\"data\":{\"key\":\"another\"}}\n").await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "handshake failed, invalid key\n");
    assert_eq!(server.next().await.unwrap_err().to_string(), "handshake failed, invalid key");
}
