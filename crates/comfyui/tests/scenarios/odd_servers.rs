//! Servers that are not there, or are something else than ComfyUI.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use comfyui::{ClientError, ComfyUi, Credentials, ExecuteOptions, RunError, ServerAddress};
use origin_client::Connections;

use crate::scripted_server::{Script, ScriptedServer, workflow};

fn client(url: &str, key: &str) -> ComfyUi {
    let credentials = Credentials::default().with_bearer(&key.into());
    ComfyUi::new(ServerAddress::parse(url).unwrap(), credentials, &Connections::new().unwrap()).unwrap()
}

async fn serving(answer: fn() -> Response) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move || async move { answer() });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn a_comfyui_tells_what_it_is() {
    let server = ScriptedServer::start(Script::default()).await;
    let stats = server.client().system_stats().await.unwrap();
    assert_eq!(stats.comfyui_version.as_deref(), Some("0.33.0"));
    assert_eq!(stats.devices[0].kind, "cpu");
}

#[tokio::test]
async fn nobody_there_is_told_at_once_with_the_usual_reason() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let begun = Instant::now();
    let options = ExecuteOptions::new(Duration::from_secs(60));
    let error = client(&url, "").execute(&workflow(), options, |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::Client(ClientError::Transport { .. })), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{url}: connection refused")) && text.contains("host.docker.internal"), "{text}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_login_page_is_not_comfyui() {
    let url =
        serving(|| ([(header::CONTENT_TYPE, "text/html")], "<html><body>Please log in</body></html>").into_response())
            .await;
    let error = client(&url, "").system_stats().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /system_stats: the answer is not ComfyUI's: check the server address (Please log in)"
    );
}

#[tokio::test]
async fn other_json_is_not_comfyui_either() {
    let url = serving(|| axum::body::Body::from(r#"{"hello": 1}"#).into_response()).await;
    let error = client(&url, "").system_stats().await.unwrap_err();
    assert!(matches!(error, ClientError::UnexpectedShape { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_page_that_repeats_the_key_does_not_bring_it_into_the_error() {
    let url = serving(|| (StatusCode::FORBIDDEN, "no entry with Bearer s3cret-key").into_response()).await;
    let error = client(&url, "s3cret-key").system_stats().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET /system_stats: the server refused access (HTTP 403): check the API key (no entry with Bearer ***)"
    );
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let url = serving(|| vec![b' '; 5 << 20].into_response()).await;
    let error = client(&url, "").system_stats().await.unwrap_err();
    assert!(matches!(error, ClientError::TooLong { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_error_is_told_in_its_own_words() {
    let url = serving(|| {
        (StatusCode::INTERNAL_SERVER_ERROR, "500 Internal Server Error\n\nServer got itself in trouble").into_response()
    })
    .await;
    let error = client(&url, "").history("x").await.unwrap_err();
    assert_eq!(error.to_string(), "GET /history: HTTP 500 (500 Internal Server Error Server got itself in trouble)");
    assert!(error.is_temporary());
}
