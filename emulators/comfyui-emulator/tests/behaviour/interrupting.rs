//! Stopping what runs.

use std::time::Duration;

use comfyui_emulator::ComfyUiEmulator;
use serde_json::{Value, json};

use crate::driver::{Socket, get_json, post, submit, text_to_image, types};

async fn running() -> (ComfyUiEmulator, Socket, String) {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(10)).start().await.unwrap();
    let mut socket = Socket::open(&server, "me").await;
    let prompt_id = submit(&server, &text_to_image("long", 1, 1_000), "me").await;
    socket.wait_for("progress").await;
    (server, socket, prompt_id)
}

async fn check_interrupted(server: &ComfyUiEmulator, socket: &mut Socket, prompt_id: &str) {
    let kinds = types(&socket.frames_until_end().await);
    assert_eq!(kinds[kinds.len() - 3..], ["execution_interrupted", "status", "executing"]);
    let history = get_json(server, &format!("/history/{prompt_id}")).await;
    assert_eq!(history[prompt_id]["status"]["status_str"], "error");
    let job = get_json(server, &format!("/api/jobs/{prompt_id}")).await;
    assert_eq!(job["status"], "cancelled");
}

#[tokio::test]
async fn an_interrupt_hits_what_runs() {
    let (server, mut socket, prompt_id) = running().await;
    assert_eq!(post(&server, "/interrupt", &json!({})).await.status(), 200);
    check_interrupted(&server, &mut socket, &prompt_id).await;
}

#[tokio::test]
async fn an_interrupt_for_another_prompt_hits_nothing() {
    let (server, mut socket, prompt_id) = running().await;
    post(&server, "/interrupt", &json!({"prompt_id": "another"})).await;
    socket.wait_for("progress").await;
    socket.wait_for("progress").await;
    post(&server, "/interrupt", &json!({"prompt_id": prompt_id})).await;
    check_interrupted(&server, &mut socket, &prompt_id).await;
}

#[tokio::test]
async fn a_job_is_cancelled_once() {
    let (server, mut socket, prompt_id) = running().await;
    let cancel = async || {
        let path = format!("/api/jobs/{prompt_id}/cancel");
        let answer: Value = post(&server, &path, &json!({})).await.json().await.unwrap();
        answer["cancelled"].clone()
    };
    assert_eq!(cancel().await, true);
    check_interrupted(&server, &mut socket, &prompt_id).await;
    assert_eq!(cancel().await, false);
}

#[tokio::test]
async fn an_interrupt_of_nothing_is_forgotten() {
    let server = crate::driver::start().await;
    post(&server, "/interrupt", &json!({})).await;
    let entry = crate::driver::run(&server, &text_to_image("x", 1, 2)).await;
    assert_eq!(entry["status"]["status_str"], "success");
}
