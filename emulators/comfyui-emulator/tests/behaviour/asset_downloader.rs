//! The node that fetches models, where a server has it.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get as route;
use comfyui_emulator::ComfyUiEmulator;
use serde_json::{Value, json};

use crate::driver::{get_json, post, run, start};

fn prompt(url: &str, name: &str, token: &str) -> Value {
    let inputs = json!({"url": url, "save_to": "loras", "filename": name, "token": token});
    json!({"1": {"class_type": "AssetDownloader", "inputs": inputs}})
}

/// A server of files, which wants a key for one of them.
async fn files() -> String {
    let guarded = |headers: HeaderMap| async move {
        let is_known = headers.get("authorization").is_some_and(|value| value == "Bearer k3y");
        if is_known { (StatusCode::OK, "weights") } else { (StatusCode::UNAUTHORIZED, "") }
    };
    let routes = Router::new().route("/open", route(|| async { "weights" })).route("/guarded", route(guarded));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn a_file_of_this_machine_is_fetched_and_listed() {
    let files = files().await;
    let server = ComfyUiEmulator::builder().asset_downloader().start().await.unwrap();
    for (path, token) in [("open", ""), ("guarded", "k3y")] {
        let name = format!("{path}.safetensors");
        let entry = run(&server, &prompt(&format!("{files}/{path}"), &name, token)).await;
        assert_eq!(entry["status"]["status_str"], "success", "{entry}");
    }
    let listed = get_json(&server, "/models/loras").await;
    assert_eq!(listed, json!(["guarded.safetensors", "open.safetensors"]));
    assert_eq!(get_json(&server, "/models/vae").await, json!([]));
}

#[tokio::test]
async fn what_cannot_be_had_fails_as_with_requests() {
    let files = files().await;
    let server = ComfyUiEmulator::builder().asset_downloader().start().await.unwrap();
    let failure = async |url: &str| {
        let entry = run(&server, &prompt(url, "x.safetensors", "")).await;
        let messages = entry["status"]["messages"].as_array().unwrap().clone();
        messages.into_iter().find(|message| message[0] == "execution_error").unwrap()[1]["exception_type"].clone()
    };
    assert_eq!(failure(&format!("{files}/guarded")).await, "requests.exceptions.HTTPError");
    assert_eq!(failure("https://models.example/x").await, "requests.exceptions.ConnectionError");
    assert_eq!(failure("no url").await, "requests.exceptions.MissingSchema");
    assert_eq!(get_json(&server, "/models/loras").await, json!([]));
}

#[tokio::test]
async fn a_server_without_the_pack_does_not_know_the_node() {
    let server = start().await;
    assert_eq!(get_json(&server, "/object_info/AssetDownloader").await, json!({}));
    let refused = post(&server, "/prompt", &json!({"prompt": prompt("http://127.0.0.1:1/x", "x", "")})).await;
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["type"], "missing_node_type");
}
