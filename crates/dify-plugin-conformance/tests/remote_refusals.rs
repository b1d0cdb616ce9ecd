//! What the server says against a plugin is shown; what passes is tried again.

#![allow(clippy::unwrap_used)]

use dify_plugin_host::{DebuggingFault, DebuggingServer, DifyHost};
use serde_json::json;

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, emit, refused, registered};

fn says(text: impl Into<Vec<u8>>, dribbling: bool, hang_up: bool) -> DebuggingFault {
    DebuggingFault::Says { bytes: text.into(), dribbling, hang_up }
}

async fn last_words(fault: DebuggingFault) -> String {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    server.fault(fault);
    let (status, mut lines) = Laptop::start_for(&server).ends().await;
    assert_eq!(status.code(), Some(1));
    assert_eq!(server.connections(), 1);
    lines.pop().unwrap()
}

#[tokio::test]
async fn a_refused_declaration_is_final_and_shown_in_the_servers_words() {
    let text =
        "assets remap failed, invalid assets data, cannot remap: file not found: icon.svg\nfailed to remap icon\n";
    let words = last_words(says(text, false, true)).await;
    assert!(
        words.ends_with(
            "refuses the plugin: assets remap failed, invalid assets data, cannot remap: file not found: icon.svg; \
             failed to remap icon"
        ),
        "{words}"
    );
}

#[tokio::test]
async fn words_that_come_letter_by_letter_are_read_to_the_end() {
    let words = last_words(says("register failed, invalid manifest detected: no\n", true, true)).await;
    assert!(words.ends_with("refuses the plugin: register failed, invalid manifest detected: no"), "{words}");
}

#[tokio::test]
async fn a_server_that_is_no_dify_is_quoted() {
    let words = last_words(says("HTTP/1.1 400 Bad Request\r\n\r\n", false, true)).await;
    assert!(words.ends_with("refuses the plugin: HTTP/1.1 400 Bad Request"), "{words}");
    // TLS's alert, and a line without an end.
    let words = last_words(says(vec![0x15, 3, 3, 0, 2, 2, 70], false, true)).await;
    assert!(words.contains("refuses the plugin: ") && !words.contains('\u{15}'), "{words}");
}

#[tokio::test]
async fn a_flood_is_bounded() {
    let words = last_words(says(vec![b'x'; 3 * 1024 * 1024], false, true)).await;
    assert!(words.len() < 2000, "{}", words.len());
}

#[tokio::test]
async fn a_busy_server_is_tried_again() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    server.fault(says("server is busy now, please try again later\n", false, true));
    let mut laptop = Laptop::start_for(&server);
    assert_eq!(refused(&server).await, "hung up");
    laptop.says("says: server is busy now, please try again later; trying again in").await;
    let plugin = registered(&server).await.plugin;
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}
