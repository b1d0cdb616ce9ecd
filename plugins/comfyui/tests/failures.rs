//! What the user reads when a run goes wrong, and what goes well in spite of it.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use std::time::Duration;

use comfyui_emulator::{ComfyUiEmulator, Fault};
use dify_plugin_host::{CallEvent, CallFailure, FileFault};
use dify_plugin_protocol::{CallError, LogStatus, MessageBody};
use on_emulator::{OnEmulator, TOKEN, colour, load, refusal, save, summary};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn red_picture() -> Value {
    json!({"1": colour(0xff0000), "2": save("1")})
}

/// Steps of 100 ms each.
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

async fn start_slow() -> OnEmulator {
    OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(100)), |_| ()).await
}

async fn run_failed(on: &OnEmulator, workflow: &Value, parameters: Value) -> CallError {
    let error = refusal(on.run(workflow, parameters).await);
    on.assert_well_behaved();
    error
}

#[tokio::test]
async fn a_node_that_fails_is_named_by_id_title_and_class() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": load("Photo"), "2": save("1")});
    let parameters = json!({"images": [on.file("broken.png", "image/png", b"not a picture".to_vec())]});
    let mut call = on.plugin.start_call(on.call(&workflow, parameters)).await.unwrap();
    let (mut steps, mut outcome) = (Map::new(), None);
    while let Some(event) = call.next().await {
        match event {
            Ok(CallEvent::Message(message)) => {
                let MessageBody::Log(log) = message.body else { continue };
                steps.insert(log.id.clone(), json!([log.label, log.status == LogStatus::Success, log.error]));
            }
            Ok(_) => {}
            Err(failure) => outcome = Some(failure),
        }
    }
    let error = refusal(Err::<(), _>(outcome.unwrap()));
    assert_eq!(error.error_type, "ToolInvokeError");
    let beginning = r#"the run failed at node 1 "Photo" (LoadImage): "#;
    assert!(error.message.starts_with(beginning), "{}", error.message);
    assert!(error.message.ends_with("[PIL.UnidentifiedImageError]"), "{}", error.message);
    // No step is left open: the upload went well, and the run did not.
    let ended: Vec<_> = steps.values().map(|step| (step[1].as_bool().unwrap(), step[2].is_string())).collect();
    assert!(ended.iter().all(|(succeeded, failed)| succeeded != failed), "{steps:?}");
    assert!(ended.contains(&(true, false)) && ended.contains(&(false, true)), "{steps:?}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_workflow_that_the_server_refuses_says_which_input_and_what_it_may_be() {
    let on = OnEmulator::start().await;
    let mut workflow = red_picture();
    workflow["1"]["inputs"]["width"] = json!(1_000_000);
    let error = run_failed(&on, &workflow, json!({})).await;
    assert_eq!(error.error_type, "ToolParameterValidationError");
    assert!(
        error.message.starts_with("workflow_json: ComfyUI would refuse the workflow: node 1 (EmptyImage): width: ")
    );
    assert!(error.message.contains("1000000") && error.message.contains("16384"), "{}", error.message);

    workflow["1"]["class_type"] = json!("FaceDetailer");
    let error = run_failed(&on, &workflow, json!({})).await;
    assert!(error.message.contains("FaceDetailer"), "{}", error.message);
}

#[tokio::test]
async fn what_is_no_workflow_is_told_apart() {
    let on = OnEmulator::start().await;
    let texts = [
        ("{\"1\": ", "workflow_json: the workflow is not valid JSON"),
        ("\u{0}\u{7}\u{fffd}", "workflow_json: the workflow is not valid JSON"),
        ("[1, 2]", "workflow_json: this is JSON, but not a workflow"),
        (r#"{"nodes": [{"id": 1}], "links": []}"#, "workflow_json: ComfyUI would refuse the workflow: node 1"),
        ("", "workflow_json, workflow_file: no workflow is given"),
    ];
    for (text, beginning) in texts {
        let parameters = Map::from_iter([("workflow_json".to_owned(), Value::from(text))]);
        let error = refusal(on.plugin.invoke_tool(on.call_with(parameters)).await);
        assert_eq!(error.error_type, "ToolParameterValidationError");
        assert!(error.message.starts_with(beginning), "{}", error.message);
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut on = OnEmulator::start().await;
    on.fill_in("base_url", "http://127.0.0.1:1/comfy");
    let error = run_failed(&on, &red_picture(), json!({})).await;
    assert_eq!(error.error_type, "ToolInvokeError");
    assert!(error.message.starts_with("http://127.0.0.1:1: connection refused"), "{}", error.message);
    assert!(error.message.contains("from inside Docker"), "{}", error.message);
}

#[tokio::test]
async fn a_wrong_key_is_an_error_of_the_credentials() {
    let mut on = OnEmulator::start().await;
    on.fill_in("comfyui_api_key", "another");
    let error = run_failed(&on, &red_picture(), json!({})).await;
    assert_eq!(error.error_type, "ToolProviderCredentialValidationError");
    assert!(error.message.contains("HTTP 401"), "{}", error.message);
}

#[tokio::test]
async fn a_socket_that_is_cut_or_refused_does_not_fail_the_run() {
    let on = start_slow().await;
    for frames in [0, 1, 6] {
        on.comfyui.faults().cut_websocket_after(frames);
        let answer = on.run(&slow(6), json!({})).await.unwrap();
        assert_eq!(answer.files.len(), 1, "cut after {frames} frames");
    }
    on.comfyui.faults().refuse_websocket();
    assert_eq!(on.run(&slow(3), json!({})).await.unwrap().files.len(), 1);
    on.assert_well_behaved();
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_run_the_workflow_twice() {
    let on = OnEmulator::start().await;
    on.comfyui.faults().lose_submit_answer();
    let answer = on.run(&red_picture(), json!({})).await.unwrap();
    assert_eq!((answer.files.len(), on.comfyui.output_names().len()), (1, 1));
    let warnings = &summary(&answer)["warnings"];
    assert!(warnings[0].as_str().unwrap().contains("answer to the submit was lost"), "{warnings}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_started_again_has_forgotten_the_run() {
    let OnEmulator { comfyui, uploads: _uploads, files: _files, plugin, credentials, watch: _watch } =
        start_slow().await;
    let address = comfyui.url().strip_prefix("http://127.0.0.1:").unwrap();
    let port = address.strip_suffix("/comfy").unwrap().parse().unwrap();
    let call = dify_plugin_protocol::InvokeTool {
        user_id: "user-1".into(),
        provider: "comfyui".into(),
        tool: "workflow".into(),
        credentials,
        credential_type: dify_plugin_protocol::CredentialType::ApiKey,
        tool_parameters: Map::from_iter([("workflow_json".to_owned(), slow(300).to_string().into())]),
    };
    let mut call = plugin.start_call(call).await.unwrap();
    let mut comfyui = Some(comfyui);
    let mut restarted = None;
    let failure = loop {
        match call.next().await.unwrap() {
            Ok(CallEvent::Message(message)) => {
                let MessageBody::Log(log) = message.body else { continue };
                if log.label.contains("step ")
                    && let Some(comfyui) = comfyui.take()
                {
                    comfyui.stop().await;
                    let again = ComfyUiEmulator::builder().bearer_token(TOKEN).path_prefix("/comfy").port(port);
                    restarted = Some(again.start().await.unwrap());
                }
            }
            Ok(_) => {}
            Err(failure) => break failure,
        }
    };
    assert!(restarted.is_some(), "the run did not get to the sampler: {failure}");
    let error = refusal(Err::<(), _>(failure));
    assert!(error.message.contains("the server no longer knows the run"), "{}", error.message);
    assert_eq!(plugin.violations(), []);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_an_error_and_not_half_a_file() {
    let on = OnEmulator::start().await;
    let photo = on.file("photo.png", "image/png", pictures::png(&pictures::photo(300, 300)));
    on.comfyui.faults().plan(None, "/view", Fault::CutAnswer { after: 400 }, None);
    let error = run_failed(&on, &json!({"1": load("Photo"), "2": save("1")}), json!({"images": [photo]})).await;
    assert!(error.message.contains("connection was lost"), "{}", error.message);
    on.comfyui.faults().clear();
    // Once more after the run that is to make it again.
    on.comfyui.faults().plan(None, "/view", Fault::Status(comfyui_emulator::StatusCode::NOT_FOUND), Some(2));
    let error = run_failed(&on, &red_picture(), json!({})).await;
    assert!(error.message.contains("the server no longer has the file \"result_0000"), "{}", error.message);
}

#[tokio::test]
async fn a_picture_that_dify_does_not_give_is_named_with_the_setting_that_decides_it() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": load("Photo"), "2": save("1")});
    let picture = || on.file("photo.png", "image/png", pictures::png(&pictures::photo(300, 300)));

    let parameters = json!({"images": [picture()]});
    on.files.set_fault(Some(FileFault::Status(404)));
    let error = run_failed(&on, &workflow, parameters.clone()).await;
    assert!(error.message.contains("photo.png") && error.message.contains("FILES_URL"), "{}", error.message);

    on.files.set_fault(Some(FileFault::CutAfter(1000)));
    let error = run_failed(&on, &workflow, parameters.clone()).await;
    assert!(error.message.contains("photo.png"), "{}", error.message);

    on.files.set_fault(None);
    let mut relative = picture();
    relative["url"] = json!("/files/1/file-preview?sign=open-sesame");
    let error = run_failed(&on, &workflow, json!({"images": [relative]})).await;
    assert!(error.message.contains("has no host") && error.message.contains("FILES_URL"), "{}", error.message);
    assert_eq!(on.comfyui.output_names(), [""; 0]);
    on.run(&workflow, parameters).await.unwrap();
}

#[tokio::test]
async fn garbage_from_the_server_is_an_error_in_words() {
    let mut on = OnEmulator::start().await;
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\nConnection: close\r\n\r\n<html>Please log in</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n\xff\xfe\x00\x01\x02",
        b"\x16\x03\x01\x02\x00garbage\r\n\r\n",
        b"",
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        on.fill_in("base_url", format!("http://{}", listener.local_addr().unwrap()));
        let server = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut head = vec![0; 16 * 1024];
                let _ = connection.read(&mut head).await;
                let _ = connection.write_all(answer).await;
            }
        });
        let outcome = on.run(&red_picture(), json!({})).await;
        assert!(matches!(outcome, Err(CallFailure::Plugin(_))), "{outcome:?}");
        let error = refusal(outcome);
        assert!(error.message.len() > 20 && error.message.is_ascii(), "{}", error.message);
        server.abort();
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn the_traceback_is_in_the_log_when_it_is_wanted_and_no_secret_is() {
    let log_level = |command: &mut std::process::Command| {
        command.env("LOG_LEVEL", "debug");
    };
    let on = OnEmulator::start_with(|comfyui| comfyui, log_level).await;
    let broken = on.file("broken.png", "image/png", b"not a picture".to_vec());
    let error = run_failed(&on, &json!({"1": load("Photo"), "2": save("1")}), json!({"images": [broken]})).await;
    assert!(!error.message.contains("File \""), "{}", error.message);
    let log = on.plugin.stderr();
    assert!(log.contains("the run failed:"), "{log}");
}
