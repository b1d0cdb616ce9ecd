//! Pictures out of texts: what the user sees on the way, and what comes at the end.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use std::time::{Duration, Instant};

use dify_plugin_host::Answer;
use dify_plugin_protocol::{LogMessage, LogStatus, MessageBody};
use on_emulator::{OnEmulator, save, summary};
use pictures::pixels;
use serde_json::{Value, json};

fn text_to_image(steps: u32) -> Value {
    json!({
        "3": {"class_type": "KSampler", "_meta": {"title": "Dream"}, "inputs": {
            "seed": 5, "steps": steps, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 2}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": save("8"),
    })
}

fn log_messages(answer: &Answer) -> Vec<&LogMessage> {
    let logs = answer.messages.iter().filter_map(|message| match &message.body {
        MessageBody::Log(log) => Some(log),
        _ => None,
    });
    logs.collect()
}

#[tokio::test]
async fn the_user_watches_the_sampler_and_gets_every_picture() {
    let on = OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(75)), |_| ()).await;
    let begun = Instant::now();
    let answer = on.run(&text_to_image(20), json!({})).await.unwrap();
    let halves = usize::try_from(begun.elapsed().as_millis() / 500).unwrap();

    let names: Vec<_> = answer.files.iter().map(|file| file.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["result_00001_.png", "result_00002_.png"]);
    assert!(answer.files.iter().all(|file| pixels(file.content.as_deref().unwrap()).dimensions() == (64, 64)));

    let logs = log_messages(&answer);
    let run = logs.iter().find(|log| log.label == "Run the workflow").unwrap();
    let activity: Vec<_> = logs.iter().filter(|log| log.parent_id.as_ref() == Some(&run.id)).collect();
    let at_the_sampler: Vec<_> = activity
        .iter()
        .filter(|log| log.status == LogStatus::Start)
        .filter(|log| log.label.starts_with(r#"Running node 3 "Dream" (KSampler): step "#))
        .collect();
    assert!(at_the_sampler.len() >= 2, "{activity:?}");
    assert!(at_the_sampler.iter().all(|log| log.label.ends_with(" of 20") && log.data["steps"] == 20));
    // The first at once, then two a second, and the end.
    assert!(activity.len() <= halves + 2, "{} messages in {halves} halves of a second", activity.len());
    assert!(answer.logs().iter().all(|log| log.status == LogStatus::Success), "{:?}", answer.logs());
    on.assert_well_behaved();
}

#[tokio::test]
async fn who_waits_is_told_how_many_are_ahead() {
    let on = OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(75)), |_| ()).await;
    let workflow = text_to_image(20);
    let (first, second) = tokio::join!(on.run(&workflow, json!({})), on.run(&workflow, json!({})));
    let (first, second) = (first.unwrap(), second.unwrap());
    let labels: Vec<_> = [&first, &second].into_iter().flat_map(log_messages).map(|log| log.label.as_str()).collect();
    assert!(labels.contains(&"In ComfyUI's queue, 1 ahead"), "{labels:?}");
    assert_ne!(summary(&first)["prompt_id"], summary(&second)["prompt_id"]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn seeds_are_drawn_from_64_bits_and_told_as_text() {
    let on = OnEmulator::start().await;
    let mut seeds = Vec::new();
    for _ in 0..8 {
        let answer = on.run(&text_to_image(1), json!({})).await.unwrap();
        let seed = summary(&answer)["seeds"]["3"].as_str().unwrap().to_owned();
        assert_eq!(answer.variables()["seeds"], json!({"3": seed}));
        seeds.push(seed.parse::<u64>().unwrap());
    }
    assert!(seeds.iter().any(|seed| *seed > 1 << 53), "{seeds:?}");

    let mut pictures = Vec::new();
    for _ in 0..2 {
        let mut fixed = text_to_image(1);
        fixed["3"]["inputs"]["seed"] = json!(u64::MAX);
        let answer = on.run(&fixed, json!({"randomize_seed": false})).await.unwrap();
        assert_eq!(summary(&answer)["seeds"], json!({"3": u64::MAX.to_string()}));
        pictures.push(pixels(answer.files[0].content.as_deref().unwrap()));
    }
    assert!(pictures[0] == pictures[1], "the same seed gave another picture");
}

#[tokio::test]
async fn texts_come_as_text() {
    let on = OnEmulator::start().await;
    let workflow = json!({
        "1": {"class_type": "PrimitiveString", "inputs": {"value": "a cat on a mat"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["5", 0]}},
        "5": {"class_type": "PrimitiveString", "inputs": {"value": "and another"}},
    });
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(answer.text(), "a cat on a mat\nand another");
    assert_eq!((answer.files.len(), &summary(&answer)["outputs"]), (0, &json!([])));
}

#[tokio::test]
async fn pictures_that_only_the_socket_brings_arrive_or_are_told_to_be_missing() {
    let on = OnEmulator::start().await;
    let batch = json!({"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 3, "color": 255}});
    let workflow = json!({"1": batch, "2": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}}});
    for _ in 0..5 {
        let answer = on.run(&workflow, json!({})).await.unwrap();
        let names: Vec<_> = answer.files.iter().map(|file| file.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["websocket_2_00001.png", "websocket_2_00002.png", "websocket_2_00003.png"]);
        assert_eq!(pixels(answer.files[2].content.as_deref().unwrap()).get_pixel(0, 0).0, [0, 0, 255]);
        assert_eq!(summary(&answer)["outputs"][2]["type"], "websocket");
    }
    on.comfyui.faults().refuse_websocket();
    let answer = on.run(&workflow, json!({})).await.unwrap();
    let [nothing, note] = answer.texts()[..] else { panic!("{answer:?}") };
    assert_eq!(nothing, "The workflow ran, and put out no files and no texts.");
    assert!(note.starts_with("\nNote: pictures of node 2 (SaveImageWebsocket) did not arrive"), "{note}");
    let logs = answer.logs();
    let run = logs.iter().find(|log| log.label == "Run the workflow").unwrap();
    assert!(run.data["followed_by"].as_str().unwrap().contains("HTTP 503"), "{run:?}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn branches_that_the_server_drops_are_told() {
    let on = OnEmulator::start().await;
    let mut workflow = text_to_image(1);
    workflow["10"] = json!({"class_type": "ImageScale", "_meta": {"title": "Shrink"},
        "inputs": {"image": ["8", 0], "upscale_method": "by-magic", "width": 8, "height": 8, "crop": "disabled"}});
    workflow["11"] = save("10");
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(answer.files.len(), 2);
    let [warning] = &summary(&answer)["warnings"].as_array().unwrap()[..] else { panic!("{answer:?}") };
    let warning = warning.as_str().unwrap();
    assert!(warning.contains(r#"node 10 "Shrink" (ImageScale): upscale_method"#), "{warning}");
    assert_eq!(
        answer.text(),
        format!("The workflow made 2 files: result_00001_.png, result_00002_.png.\nNote: {warning}")
    );
}

#[tokio::test]
async fn without_execution_the_workflow_is_only_read() {
    let mut on = OnEmulator::start().await;
    on.fill_in("base_url", "http://127.0.0.1:1");
    let workflow = text_to_image(1);
    let answer =
        on.run(&workflow, json!({"execute_workflow": false, "images": [null], "image_ids": ""})).await.unwrap();
    assert_eq!(summary(&answer), &workflow);
    assert_eq!((answer.messages.len(), answer.files.len()), (1, 0));
}
