//! What the user reads when saving credentials, right and wrong ones.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use comfyui_emulator::StatusCode;
use on_emulator::{OnEmulator, TOKEN, refusal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Why the credentials are refused.
async fn refused(on: &OnEmulator) -> String {
    let error = refusal(on.validate().await);
    assert_eq!(error.error_type, "ToolProviderCredentialValidationError");
    error.message
}

#[tokio::test]
async fn a_server_that_answers_over_http_and_websocket_is_accepted() {
    let mut on = OnEmulator::start().await;
    on.validate().await.unwrap();
    let typed = format!("  {}/ ", on.comfyui.url().strip_prefix("http://").unwrap());
    on.fill_in("base_url", typed);
    on.validate().await.unwrap();
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_one_are_told() {
    let mut on = OnEmulator::start().await;
    on.fill_in("comfyui_api_key", "another");
    let message = refused(&on).await;
    assert!(message.contains("(comfyui_api_key)") && message.contains("HTTP 401"), "{message}");
    assert!(!message.contains("another:"), "{message}");
    on.fill_in("comfyui_api_key", "");
    assert!(refused(&on).await.contains("HTTP 401"));
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_server_that_is_not_there_comes_with_a_word_on_docker() {
    let mut on = OnEmulator::start().await;
    on.fill_in("base_url", "http://localhost:1");
    let message = refused(&on).await;
    assert!(message.starts_with("ComfyUI cannot be reached: http://localhost:1: connection refused"), "{message}");
    assert!(message.contains("from inside Docker") && message.contains("host.docker.internal"), "{message}");
}

#[tokio::test]
async fn another_server_is_not_taken_for_comfyui() {
    let mut on = OnEmulator::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    on.fill_in("base_url", format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = [0; 1024];
            let _ = connection.read(&mut head).await;
            let page = "<html><title>Router</title>Please log in</html>";
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
            let _ = connection.write_all(format!("{head}{page}").as_bytes()).await;
        }
    });
    let message = refused(&on).await;
    assert!(message.contains("is not ComfyUI") && message.contains("Please log in"), "{message}");

    // The emulator's own origin, without its path.
    let origin = on.comfyui.url().strip_suffix("/comfy").unwrap().to_owned();
    on.fill_in("base_url", origin);
    let message = refused(&on).await;
    assert!(message.contains("is not ComfyUI") && message.contains("HTTP 404"), "{message}");
}

#[tokio::test]
async fn a_gateway_that_lets_no_websocket_through_is_accepted_and_noted_in_the_log() {
    let on = OnEmulator::start().await;
    on.comfyui.faults().refuse_websocket();
    on.validate().await.unwrap();
    let log = on.plugin.stderr();
    assert!(log.contains("its WebSocket at /ws cannot be opened") && log.contains("HTTP 503"), "{log}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_gateway_without_comfyui_behind_it_and_an_origin_that_is_refused_are_told_apart() {
    let on = OnEmulator::start().await;
    let answers = [
        (StatusCode::BAD_GATEWAY, "cannot reach ComfyUI behind it"),
        (StatusCode::FORBIDDEN, "adds an Origin header"),
        (StatusCode::NOT_FOUND, "is not ComfyUI"),
    ];
    for (status, expected) in answers {
        on.comfyui.faults().http_status("/system_stats", status, 1);
        let message = refused(&on).await;
        assert!(message.contains(expected), "{message}");
    }
    on.validate().await.unwrap();
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_told_with_its_field() {
    let mut on = OnEmulator::start().await;
    on.fill_in("base_url", "http://no-such-host.invalid:8188");
    let message = refused(&on).await;
    assert!(message.contains("no-such-host.invalid") && message.contains("(base_url)"), "{message}");
}

#[tokio::test]
async fn an_extra_header_opens_a_gateway_on_http_and_on_the_websocket() {
    let mut on = OnEmulator::start().await;
    on.fill_in("comfyui_api_key", "");
    on.fill_in("extra_header", format!("Authorization: Bearer {TOKEN}"));
    on.validate().await.unwrap();
    assert!(!on.plugin.stderr().contains("WebSocket"), "{}", on.plugin.stderr());
    on.fill_in("extra_header", "no header at all");
    assert!(refused(&on).await.starts_with("extra_header: "));
    on.fill_in("extra_header", "Host: example.com");
    assert!(refused(&on).await.starts_with("extra_header: "));
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused_and_so_is_one_that_would_not_be_looked_at() {
    let mut on = OnEmulator::start().await;
    on.fill_in("ca_certificate", "not a certificate");
    let message = refused(&on).await;
    assert!(message.starts_with("ca_certificate: ") && message.contains("PEM"), "{message}");
    on.fill_in("verify_tls", false);
    assert!(refused(&on).await.contains("verify_tls"));
    on.fill_in("ca_certificate", "");
    on.validate().await.unwrap();
}

#[tokio::test]
async fn what_no_server_has_to_see_is_refused_at_once() {
    let mut on = OnEmulator::start().await;
    on.fill_in("expire_after", "soon");
    assert!(refused(&on).await.starts_with("expire_after: enter a whole number of seconds"));
    on.fill_in("expire_after", "60");
    on.fill_in("base_url", "ftp://open-sesame@host");
    assert!(refused(&on).await.starts_with("base_url: the server address begins with ftp://"));
    on.fill_in("base_url", format!("http://me:pass@{}", on.comfyui.url().strip_prefix("http://").unwrap()));
    assert!(refused(&on).await.contains("leave one of them out"));
    on.fill_in("base_url", "");
    assert!(refused(&on).await.contains("base_url"));
}
