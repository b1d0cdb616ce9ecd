//! Servers that are not what they seem.

use axum::http::StatusCode;
use axum::{Router, routing::get};
use comfyui::{ClientError, LibraryError, Users};

use crate::any_server::client;

async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

#[tokio::test]
async fn a_server_with_nothing_but_an_api_has_no_templates_and_no_users() {
    let client = client(&serve(Router::new()).await, "");
    assert!(client.templates().await.unwrap().templates.is_empty());
    assert!(matches!(client.users().await, Err(ClientError::Status { status: 404, .. })));
    let files = client.user_data(None).await.unwrap();
    let error = files.workflows().await.unwrap_err();
    assert!(matches!(error, LibraryError::Client(ClientError::Status { status: 404, .. })), "{error}");
}

#[tokio::test]
async fn a_page_instead_of_json_and_refusals_are_told() {
    let routes = Router::new()
        .route("/users", get(|| async { "{\"storage\": \"server\"}" }))
        .route("/userdata", get(|| async { "<html>log in" }))
        .route("/templates/index.json", get(|| async { (StatusCode::UNAUTHORIZED, "key") }));
    let client = client(&serve(routes).await, "");
    assert_eq!(client.users().await.unwrap(), Users::Together);
    let error = client.user_data(None).await.unwrap().workflows().await.unwrap_err();
    assert!(matches!(error, LibraryError::Client(ClientError::NotComfyUi { .. })), "{error}");
    let error = client.templates().await.unwrap_err();
    assert!(matches!(error, LibraryError::Client(ClientError::AccessRefused { status: 401, .. })), "{error}");
}

#[tokio::test]
async fn answers_without_end_are_not_read_to_it() {
    let long = || async { "x".repeat(17 << 20) };
    let routes = Router::new()
        .route("/users", get(|| async { "{}" }))
        .route("/userdata", get(long))
        .route("/userdata/{file}", get(long))
        .route("/templates/index.json", get(long));
    let client = client(&serve(routes).await, "");
    let files = client.user_data(None).await.unwrap();
    for error in [
        files.workflows().await.unwrap_err(),
        files.workflow("a.json").await.unwrap_err(),
        client.templates().await.unwrap_err(),
    ] {
        assert!(matches!(error, LibraryError::Client(ClientError::TooLong { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_user_whose_id_no_header_can_carry_is_no_user() {
    let users = "{\"users\": {\"a\\nb\": \"Ann\"}}";
    let client = client(&serve(Router::new().route("/users", get(move || async move { users }))).await, "");
    assert!(matches!(client.user_data(Some("Ann")).await, Err(LibraryError::NoSuchUser { .. })));
}
