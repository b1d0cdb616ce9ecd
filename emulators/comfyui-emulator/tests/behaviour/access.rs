//! The bearer token, the path prefix and the origin.

use comfyui_emulator::ComfyUiEmulator;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::driver::{get, get_json};

#[tokio::test]
async fn without_the_token_nothing_is_answered() {
    let server = ComfyUiEmulator::builder().bearer_token("secret").start().await.unwrap();
    for path in ["/", "/prompt", "/api/queue", "/no/such/route"] {
        assert_eq!(get(&server, path).send().await.unwrap().status(), 401, "{path}");
        let wrong = get(&server, path).bearer_auth("secrets").send().await.unwrap();
        assert_eq!(wrong.status(), 401, "{path}");
    }
    let right = get(&server, "/prompt").bearer_auth("secret").send().await.unwrap();
    assert_eq!(right.status(), 200);
    assert!(!format!("{server:?}").contains("secret"));
}

#[tokio::test]
async fn a_websocket_needs_the_token_as_well() {
    let server = ComfyUiEmulator::builder().bearer_token("t").start().await.unwrap();
    let url = format!("{}/ws", server.url().replacen("http", "ws", 1));
    match connect_async(&url).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("not refused: {other:?}"),
    }
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("authorization", "Bearer t".parse().unwrap());
    connect_async(request).await.unwrap();
}

#[tokio::test]
async fn everything_is_below_the_prefix() {
    let server = ComfyUiEmulator::builder().path_prefix("/gate/comfy/").start().await.unwrap();
    assert!(server.url().ends_with("/gate/comfy"));
    assert_eq!(get_json(&server, "/api/prompt").await["exec_info"]["queue_remaining"], 0);
    assert_eq!(get(&server, "/nosuch").send().await.unwrap().status(), 404);
    let outside = server.url().replace("/gate/comfy", "/prompt");
    assert_eq!(crate::driver::client().get(outside).send().await.unwrap().status(), 404);
    let url = format!("{}/ws", server.url().replacen("http", "ws", 1));
    connect_async(url).await.unwrap();
}

#[tokio::test]
async fn a_prefix_must_be_a_path() {
    for prefix in ["comfy", "/{id}", "/a b"] {
        assert!(ComfyUiEmulator::builder().path_prefix(prefix).start().await.is_err(), "{prefix}");
    }
}

#[tokio::test]
async fn a_foreign_page_may_not_ask() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let foreign = get(&server, "/prompt").header("origin", "https://evil.example");
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}
