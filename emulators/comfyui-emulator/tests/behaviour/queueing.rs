//! The queue and the history.

use std::time::Duration;

use comfyui_emulator::ComfyUiEmulator;
use serde_json::{Value, json};

use crate::driver::{Socket, empty_image, get_json, post, save, start, submit, text_to_image};

/// A server whose worker is busy for a while.
async fn busy() -> (ComfyUiEmulator, Socket, String) {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let mut socket = Socket::open(&server, "me").await;
    let running = submit(&server, &text_to_image("slow", 1, 1_000), "me").await;
    socket.wait_for("progress").await;
    (server, socket, running)
}

fn quick(color: u32) -> Value {
    json!({"1": empty_image(4, color), "3": save("1")})
}

fn ids(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|item| item[1].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_waits_can_be_taken_back() {
    let (server, _socket, running) = busy().await;
    let first = submit(&server, &quick(1), "me").await;
    let second = submit(&server, &quick(2), "me").await;
    let queue = get_json(&server, "/queue").await;
    assert_eq!(ids(&queue["queue_running"]), [running.as_str()]);
    assert_eq!(ids(&queue["queue_pending"]), [first.as_str(), second.as_str()]);
    post(&server, "/queue", &json!({"delete": [first, "unknown", running]})).await;
    let queue = get_json(&server, "/queue").await;
    assert_eq!(ids(&queue["queue_running"]), [running.as_str()]);
    assert_eq!(ids(&queue["queue_pending"]), [second.as_str()]);
    post(&server, "/queue", &json!({"clear": true})).await;
    assert_eq!(get_json(&server, "/prompt").await["exec_info"]["queue_remaining"], 1);
    assert_eq!(get_json(&server, &format!("/history/{first}")).await, json!({}));
    server.stop().await;
}

#[tokio::test]
async fn lower_numbers_run_first() {
    let (server, mut socket, running) = busy().await;
    let mut expected = Vec::new();
    for (place, more) in [(2, json!({})), (0, json!({"front": true})), (1, json!({"number": 0.5}))] {
        let mut body = json!({"prompt": quick(place), "client_id": "me"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer: Value = post(&server, "/prompt", &body).await.json().await.unwrap();
        expected.push((place, answer["prompt_id"].clone()));
    }
    expected.sort_by_key(|(place, _)| *place);
    post(&server, "/interrupt", &json!({"prompt_id": running})).await;
    socket.wait_for("execution_interrupted").await;
    for (_, prompt_id) in expected {
        assert_eq!(socket.wait_for("execution_start").await["prompt_id"], prompt_id);
    }
}

#[tokio::test]
async fn history_is_there_when_the_end_is_told() {
    let server = start().await;
    let mut socket = Socket::open(&server, "me").await;
    for color in 0..20 {
        let prompt_id = submit(&server, &quick(color), "me").await;
        socket.frames_until_end().await;
        let history = get_json(&server, &format!("/api/history/{prompt_id}")).await;
        assert_eq!(history[&prompt_id]["status"]["completed"], true);
        let job = get_json(&server, &format!("/api/jobs/{prompt_id}")).await;
        assert_eq!(job["status"], "completed");
        assert_eq!(job["outputs_count"], 1);
    }
    let newest = get_json(&server, "/history?max_items=2").await;
    assert_eq!(newest.as_object().unwrap().len(), 2);
    let page = get_json(&server, "/api/jobs?limit=3&offset=18").await;
    assert_eq!(page["pagination"]["has_more"], false);
    assert_eq!(page["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let (server, _socket, running) = busy().await;
    let body = json!({
        "prompt": quick(1),
        "extra_data": {"api_key_comfy_org": "hidden", "auth_token_comfy_org": "hidden", "mine": 1},
    });
    post(&server, "/prompt", &body).await;
    let queue = get_json(&server, "/queue").await;
    assert_eq!(queue["queue_pending"][0][3]["mine"], 1);
    post(&server, "/interrupt", &json!({"prompt_id": running})).await;
    assert!(!queue.to_string().contains("hidden"));
}

#[tokio::test]
async fn a_node_without_inputs_stops_the_worker_for_ever() {
    let server = start().await;
    let mut prompt = quick(1);
    prompt["50"] = json!({"class_type": "EmptyImage"});
    let wedged = submit(&server, &prompt, "me").await;
    let waiting = submit(&server, &quick(2), "me").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let queue = get_json(&server, "/queue").await;
    assert_eq!(ids(&queue["queue_running"]), [wedged.as_str()]);
    assert_eq!(ids(&queue["queue_pending"]), [waiting.as_str()]);
    server.stop().await;
}
