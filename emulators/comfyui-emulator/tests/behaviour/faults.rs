//! The switches for failing.

use std::time::{Duration, Instant};

use comfyui_emulator::StatusCode;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::driver::{Socket, client, empty_image, get, get_json, save, start, submit};

fn prompt() -> serde_json::Value {
    json!({"prompt": {"1": empty_image(4, 1), "3": save("1")}})
}

#[tokio::test]
async fn a_status_strikes_as_often_as_it_was_planned() {
    let server = start().await;
    server.faults().http_status("/queue", StatusCode::BAD_GATEWAY, 2);
    assert_eq!(get(&server, "/queue").send().await.unwrap().status(), 502);
    assert_eq!(get(&server, "/prompt").send().await.unwrap().status(), 200);
    assert_eq!(get(&server, "/api/queue").send().await.unwrap().status(), 502);
    assert_eq!(get(&server, "/queue").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_prompt_in_the_queue() {
    let server = start().await;
    server.faults().lose_submit_answer();
    let submit = || client().post(format!("{}/prompt", server.url())).json(&prompt()).send();
    let error = submit().await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(submit().await.unwrap().status(), 200);
    let deadline = Instant::now() + Duration::from_secs(5);
    while get_json(&server, "/history").await.as_object().unwrap().len() < 2 {
        assert!(Instant::now() < deadline, "the prompt whose answer was lost did not run");
    }
}

#[tokio::test]
async fn a_websocket_is_cut_after_so_many_frames() {
    let server = start().await;
    server.faults().cut_websocket_after(2);
    let mut socket = Socket::open(&server, "me").await;
    client().post(format!("{}/prompt", server.url())).json(&prompt()).send().await.unwrap();
    assert_eq!(socket.next_json().await.unwrap()["type"], "status");
    assert!(socket.next().await.is_none());
    // Only one socket was meant.
    let mut socket = Socket::open(&server, "me").await;
    submit(&server, &json!({"1": empty_image(4, 2), "3": save("1")}), "me").await;
    assert!(socket.frames_until_end().await.len() > 2);
}

#[tokio::test]
async fn websockets_are_refused_until_the_faults_are_cleared() {
    let server = start().await;
    server.faults().refuse_websocket();
    match Socket::connect(&server, "me").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        _ => panic!("not refused"),
    }
    server.faults().clear();
    Socket::open(&server, "me").await;
}

#[tokio::test]
async fn all_connections_drop_at_once_and_new_ones_work() {
    let server = start().await;
    let mut one = Socket::open(&server, "one").await;
    let mut two = Socket::open(&server, "two").await;
    server.faults().drop_connections();
    assert!(one.next().await.is_none());
    assert!(two.next().await.is_none());
    Socket::open(&server, "one").await;
}

#[tokio::test]
async fn a_download_is_cut_in_the_middle() {
    let server = start().await;
    server.put_input("big.bin", vec![7; 1 << 20]).unwrap();
    server.faults().cut_answer_after("/view", 100_000);
    let path = "/view?filename=big.bin&type=input";
    let response = get(&server, path).send().await.unwrap();
    assert_eq!(response.content_length(), Some(1 << 20));
    assert!(response.bytes().await.is_err());
    assert_eq!(get(&server, path).send().await.unwrap().bytes().await.unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn history_is_late_when_told_to() {
    let server = start().await;
    let delay = Duration::from_millis(200);
    server.faults().delay_history(delay);
    let start = Instant::now();
    get_json(&server, "/history/x").await;
    assert!(start.elapsed() >= delay);
}
