//! The plugin answers over HTTP as it does over pipes, and who hangs up has the run on the server cancelled.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::process::Command;
use std::time::Duration;

use dify_plugin_host::{CallFailure, DifyHost, RawConnection, ServerlessProcess, UploadEndpoint};
use dify_plugin_protocol::ValidateCredentials;
use on_emulator::{OnEmulator, colour, save};
use serde_json::{Value, json};

async fn start() -> ServerlessProcess {
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify-comfyui"));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    ServerlessProcess::start(command, &dify).await.unwrap()
}

fn fields(on: &OnEmulator) -> ValidateCredentials {
    ValidateCredentials { user_id: "user-1".into(), provider: "comfyui".into(), credentials: on.credentials.clone() }
}

#[tokio::test]
async fn credentials_and_a_run() {
    let mut on = OnEmulator::start().await;
    let process = start().await;
    process.plugin().validate_tool_credentials(&fields(&on)).await.unwrap();
    let workflow = json!({"1": colour(0x00ff_0000), "2": save("1")});
    let answer = process.plugin().invoke_tool(on.call(&workflow, json!({}))).await.unwrap();
    assert_eq!(answer.files[0].name.as_deref(), Some("result_00001_.png"));
    on.fill_in("comfyui_api_key", "another");
    let refused = process.plugin().validate_tool_credentials(&fields(&on)).await;
    let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
    assert!(error.message.contains("HTTP 401"), "{}", error.message);
}

#[tokio::test]
async fn who_hangs_up_has_the_run_cancelled() {
    let on = OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(200)), |_| ()).await;
    let process = start().await;
    let sampler = json!({
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 5, "steps": 10_000, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["6", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": save("8"),
    });
    let mut data = serde_json::to_value(on.call(&sampler, json!({}))).unwrap();
    data["type"] = Value::from("tool");
    data["action"] = Value::from("invoke_tool");
    let line = json!({"session_id": "s", "event": "request", "data": data}).to_string();
    let mut reader = RawConnection::open(process.address()).await.unwrap();
    reader.invoke(&line).await.unwrap();
    reader.read_until(" of 10000").await.unwrap();
    drop(reader);
    // The server is free again: another run is over long before that one would have been.
    let workflow = json!({"1": colour(0x00ff_0000), "2": save("1")});
    let answer = process.plugin().invoke_tool(on.call(&workflow, json!({}))).await.unwrap();
    assert_eq!(answer.files.len(), 1);
}
