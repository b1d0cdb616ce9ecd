//! What holds on every ComfyUI server, with nodes that need no models. On the emulator, or on the real server that
//! `OXIDIFY_COMFYUI_URL` names:
//!
//! ```sh
//! OXIDIFY_COMFYUI_URL=http://127.0.0.1:8188 cargo test -p oxidify-comfyui --test any_server
//! ```

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use std::time::{SystemTime, UNIX_EPOCH};

use dify_plugin_host::{Answer, CallFailure};
use on_emulator::{OnEmulator, load, refusal, save, summary};
use pictures::{photo, pixels, png};
use serde_json::{Map, Value, json};

/// A colour that no run before had, so that nothing is cached.
fn fresh_colour() -> u32 {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    u32::try_from(nanos / 1000 % 0x00ff_ffff).unwrap()
}

fn canvas(rgb: u32, count: u32) -> Value {
    json!({"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": count, "color": rgb}})
}

fn rgb(number: u32) -> [u8; 3] {
    let [_, red, green, blue] = number.to_be_bytes();
    [red, green, blue]
}

fn first_pixels(answer: &Answer) -> Vec<[u8; 3]> {
    answer.files.iter().map(|file| pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0).collect()
}

async fn call(on: &OnEmulator, tool: &str, parameters: Value) -> Result<Answer, CallFailure> {
    let mut call = on.call_with(parameters.as_object().cloned().unwrap_or_else(Map::new));
    call.tool = tool.into();
    on.plugin.invoke_tool(call).await
}

#[tokio::test]
async fn the_credentials_are_accepted() {
    OnEmulator::start_on_any_server().await.validate().await.unwrap();
}

#[tokio::test]
async fn a_picture_goes_in_and_comes_out_inverted() {
    let on = OnEmulator::start_on_any_server().await;
    let mut expected = photo(40, 30);
    let picture = on.file("oxidify photo.png", "image/png", png(&expected));
    let invert = json!({"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}});
    let workflow = json!({"1": load("Photo"), "2": invert, "3": save("2")});
    let answer = on.run(&workflow, json!({"images": [picture]})).await.unwrap();
    expected.iter_mut().for_each(|sample| *sample = (255.0 * (1.0 - f32::from(*sample) / 255.0)) as u8);
    let [file] = &answer.files[..] else { panic!("{answer:?}") };
    assert!(pixels(file.content.as_deref().unwrap()) == expected, "the pixels are others");
    let told = summary(&answer);
    assert!(told["server_version"].is_string() && told["run_seconds"].is_number(), "{told}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_mask_goes_to_its_node_and_values_to_theirs() {
    let on = OnEmulator::start_on_any_server().await;
    let mask = json!({"class_type": "LoadImageMask", "inputs": {"image": "example.png", "channel": "alpha"}});
    let as_picture = json!({"class_type": "MaskToImage", "inputs": {"mask": ["1", 0]}});
    let workflow = json!({"1": mask, "2": as_picture, "3": save("2")});
    let red = image::RgbImage::from_pixel(8, 8, image::Rgb([255, 0, 0]));
    let picture = on.file("oxidify mask.png", "image/png", png(&red));
    let inputs = json!({"1.channel": "red"}).to_string();
    let answer = on.run(&workflow, json!({"images": [picture], "inputs": inputs})).await.unwrap();
    assert_eq!(first_pixels(&answer), [[255, 255, 255]]);

    let picture = on.file("oxidify mask.png", "image/png", png(&red));
    let inputs = json!({"1.channel": "redd"}).to_string();
    let error = refusal(on.run(&workflow, json!({"images": [picture], "inputs": inputs})).await);
    assert!(error.message.contains("did you mean red"), "{}", error.message);
}

#[tokio::test]
async fn results_come_in_order_and_previews_when_they_are_wanted() {
    let on = OnEmulator::start_on_any_server().await;
    let (first, second) = (fresh_colour(), fresh_colour() ^ 0xff);
    let preview = json!({"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Draft"}});
    let workflow =
        json!({"1": canvas(first, 1), "2": canvas(second, 2), "10": save("1"), "9": save("2"), "11": preview});
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(first_pixels(&answer), [rgb(second), rgb(second), rgb(first)]);
    let answer = on.run(&workflow, json!({"include_previews": true})).await.unwrap();
    assert_eq!(answer.files.len(), 4, "the same again, from the cache");
    let answer = on.run(&workflow, json!({"output_nodes": "draft"})).await.unwrap();
    assert_eq!(summary(&answer)["outputs"][0]["type"], "temp");
}

#[tokio::test]
async fn pictures_of_the_socket_arrive() {
    let on = OnEmulator::start_on_any_server().await;
    let colour = fresh_colour();
    let workflow =
        json!({"1": canvas(colour, 2), "2": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}}});
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(first_pixels(&answer), [rgb(colour), rgb(colour)]);
    assert_eq!(summary(&answer)["warnings"], json!([]));
}

#[tokio::test]
async fn texts_come_as_text() {
    let on = OnEmulator::start_on_any_server().await;
    let workflow = json!({
        "1": {"class_type": "PrimitiveString", "inputs": {"value": "a cat"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    });
    let inputs = json!({"1.value": "a dog"}).to_string();
    let answer = on.run(&workflow, json!({"inputs": inputs})).await.unwrap();
    assert_eq!(answer.text(), "a dog");
}

#[tokio::test]
async fn what_is_wrong_is_told_node_by_node() {
    let on = OnEmulator::start_on_any_server().await;
    let mut workflow = json!({"1": canvas(1, 1), "2": save("1")});
    workflow["1"]["inputs"]["width"] = json!(1_000_000);
    let error = refusal(on.run(&workflow, json!({})).await);
    assert!(error.message.contains("node 1 (EmptyImage): width: "), "{}", error.message);
    assert!(error.message.contains("1000000") && error.message.contains("16384"), "{}", error.message);

    workflow["3"] = canvas(fresh_colour(), 1);
    workflow["4"] = save("3");
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(answer.files.len(), 1);
    assert!(summary(&answer)["warnings"].to_string().contains("node 1 (EmptyImage): width"), "{answer:?}");

    workflow["1"] = json!({"class_type": "NoSuchNodeAnywhere", "inputs": {}});
    let error = refusal(on.run(&workflow, json!({})).await);
    assert!(error.message.contains("NoSuchNodeAnywhere"), "{}", error.message);
}

#[tokio::test]
async fn a_node_that_fails_is_named() {
    let on = OnEmulator::start_on_any_server().await;
    let broken = on.file("oxidify broken.png", "image/png", b"not a picture".to_vec());
    let error = refusal(on.run(&json!({"1": load("Photo"), "2": save("1")}), json!({"images": [broken]})).await);
    assert!(error.message.starts_with(r#"the run failed at node 1 "Photo" (LoadImage): "#), "{}", error.message);
}

#[tokio::test]
async fn a_run_is_submitted_and_fetched_later() {
    let on = OnEmulator::start_on_any_server().await;
    let colour = fresh_colour();
    let workflow = json!({"1": canvas(colour, 1), "2": save("1")}).to_string();
    let submitted = call(&on, "submit_workflow", json!({"workflow_json": workflow})).await.unwrap();
    let prompt_id = submitted.variables()["prompt_id"].clone();
    let done = call(&on, "get_result", json!({"prompt_id": prompt_id, "wait": 30})).await.unwrap();
    assert_eq!(first_pixels(&done), [rgb(colour)]);
    assert_eq!(summary(&done)["outputs"][0]["title"], "Result");
    let unknown = json!({"prompt_id": "11111111-2222-4333-8444-555555555555"});
    assert!(refusal(call(&on, "get_result", unknown).await).message.contains("does not know"));
}
