//! Runs that are submitted in one call and fetched in another, and runs that take too long.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::time::{Duration, Instant};

use dify_plugin_host::{Answer, CallFailure};
use on_emulator::{OnEmulator, colour, refusal, save, summary};
use serde_json::{Map, Value, json};

/// Steps of 50 ms each.
fn slow(steps: u32) -> Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}},
        "4": {"class_type": "KSampler", "inputs": {
            "seed": 5, "steps": steps, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["1", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["2", 0]}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": save("5"),
    })
}

async fn start() -> OnEmulator {
    OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(50)), |_| ()).await
}

async fn call(on: &OnEmulator, tool: &str, parameters: Value) -> Result<Answer, CallFailure> {
    let mut call = on.call_with(parameters.as_object().cloned().unwrap_or_else(Map::new));
    call.tool = tool.into();
    on.plugin.invoke_tool(call).await
}

async fn submit(on: &OnEmulator, workflow: &Value) -> String {
    let answer = call(on, "submit_workflow", json!({"workflow_json": workflow.to_string()})).await.unwrap();
    let prompt_id = answer.variables()["prompt_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()[0]["prompt_id"], prompt_id);
    assert!(answer.text().ends_with(&prompt_id), "{}", answer.text());
    prompt_id
}

#[tokio::test]
async fn a_run_is_submitted_at_once_and_fetched_when_it_is_done() {
    let on = start().await;
    let begun = Instant::now();
    let first = submit(&on, &slow(40)).await;
    let second = submit(&on, &slow(4)).await;
    assert!(begun.elapsed() < Duration::from_millis(1900), "submitting waited for the run");

    let running = call(&on, "get_result", json!({"prompt_id": first})).await.unwrap();
    assert_eq!(running.variables()["state"], "running");
    let queued = call(&on, "get_result", json!({"prompt_id": second})).await.unwrap();
    assert_eq!((&queued.variables()["state"], &queued.json()[0]["queue_ahead"]), (&json!("queued"), &json!(1)));
    assert_eq!(queued.text(), format!("{second} is in ComfyUI's queue, 1 ahead."));

    for prompt_id in [&second, &first] {
        let done = call(&on, "get_result", json!({"prompt_id": prompt_id, "wait": 30})).await.unwrap();
        assert_eq!((done.files.len(), &done.variables()["state"]), (1, &json!("succeeded")));
        let told = summary(&done);
        assert_eq!((&told["prompt_id"], &told["outputs"][0]["title"]), (&json!(prompt_id), &json!("Result")));
        assert!(told["seeds"]["4"].is_string() && told["run_seconds"].as_f64().unwrap() > 0.1, "{told}");
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn pictures_that_went_over_a_socket_are_told_to_be_missing() {
    let on = start().await;
    let sends = json!({"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}});
    let prompt_id = submit(&on, &json!({"1": colour(1), "2": sends, "3": save("1")})).await;
    let done = call(&on, "get_result", json!({"prompt_id": prompt_id, "wait": 10})).await.unwrap();
    assert_eq!(done.files.len(), 1);
    let warnings = summary(&done)["warnings"].to_string();
    assert!(warnings.contains("pictures of node 2 (SaveImageWebsocket) did not arrive"), "{warnings}");
}

#[tokio::test]
async fn what_cannot_be_fetched_says_why() {
    let on = start().await;
    let unknown = "11111111-2222-4333-8444-555555555555";
    let error = refusal(call(&on, "get_result", json!({"prompt_id": unknown})).await);
    assert!(error.message.starts_with("prompt_id: the server does not know"), "{}", error.message);
    let error = refusal(call(&on, "get_result", json!({"prompt_id": "../queue"})).await);
    assert!(error.message.starts_with("prompt_id: enter the id"), "{}", error.message);
    let error = refusal(call(&on, "get_result", json!({"prompt_id": unknown, "wait": -1})).await);
    assert!(error.message.starts_with("wait: enter"), "{}", error.message);

    on.comfyui.put_input("broken.png", b"not a picture".as_slice()).unwrap();
    let broken = json!({"class_type": "LoadImage", "inputs": {"image": "broken.png"}, "_meta": {"title": "Photo"}});
    let failed = submit(&on, &json!({"1": broken, "2": save("1")})).await;
    let error = refusal(call(&on, "get_result", json!({"prompt_id": failed, "wait": 10})).await);
    assert!(error.message.starts_with(r#"the run failed at node 1 "Photo" (LoadImage): "#), "{}", error.message);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_cancelled_and_no_other() {
    let on = start().await;
    let other = submit(&on, &slow(30)).await;
    let parameters = json!({"timeout": 1, "randomize_seed": false});
    let error = refusal(on.run(&slow(500), parameters.clone()).await);
    assert!(error.message.contains("did not finish within 1 s; it was cancelled on the server"), "{}", error.message);
    assert!(error.message.contains("(timeout;"), "{}", error.message);
    let done = call(&on, "get_result", json!({"prompt_id": other, "wait": 30})).await.unwrap();
    assert_eq!(done.files.len(), 1, "somebody else's run went on");

    let begun = Instant::now();
    let error = refusal(on.run(&slow(500), parameters).await);
    assert!(error.message.contains("it was cancelled on the server"), "{}", error.message);
    on.run(&json!({"1": colour(0), "2": save("1")}), json!({})).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "the server is free again");
    let error = refusal(on.run(&slow(1), json!({"timeout": 3601})).await);
    assert!(error.message.starts_with("timeout: enter"), "{}", error.message);
}
