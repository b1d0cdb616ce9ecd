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

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use dify_plugin_host::{Answer, CallFailure};
use on_emulator::{OnEmulator, load, refusal, save, summary};
use pictures::{photo, pixels, png};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

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

/// A picture of one colour, as the editor saves it.
fn painting(rgb: u32) -> Value {
    json!({"last_node_id": 2, "last_link_id": 1, "version": 0.4, "nodes": [
        {"id": 1, "type": "EmptyImage", "title": "Canvas", "mode": 0, "inputs": [],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}], "widgets_values": [8, 8, 1, rgb]},
        {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
         "outputs": [], "widgets_values": ["oxidify_painted"]},
    ], "links": [[1, 1, 0, 2, 0, "IMAGE"]]})
}

#[tokio::test]
async fn the_editors_format_runs() {
    let on = OnEmulator::start_on_any_server().await;
    let colour = fresh_colour();
    let answer = on.run(&painting(colour), json!({})).await.unwrap();
    assert_eq!(first_pixels(&answer), [rgb(colour)]);
    assert_eq!(summary(&answer)["warnings"], json!([]));
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_picture_that_was_made_is_a_workflow() {
    let on = OnEmulator::start_on_any_server().await;
    let colour = fresh_colour();
    let made = on.run(&json!({"1": canvas(colour, 1), "2": save("1")}), json!({})).await.unwrap();
    let picture = on.file("made.png", "image/png", made.files[0].content.clone().unwrap().to_vec());
    let inputs = json!({"1.width": 9}).to_string();
    let again = call(&on, "workflow", json!({"workflow_file": picture, "inputs": inputs})).await.unwrap();
    assert_eq!(first_pixels(&again), [rgb(colour)]);
    assert_eq!(pixels(again.files[0].content.as_deref().unwrap()).dimensions(), (9, 8));
}

#[tokio::test]
async fn what_a_workflow_takes_and_lacks_is_described() {
    let on = OnEmulator::start_on_any_server().await;
    let loader = json!({"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "oxidify none.safetensors"}});
    let sampler = json!({"class_type": "KSampler", "inputs": {
        "seed": 5, "steps": 0, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        "model": ["1", 0], "positive": ["1", 1], "negative": ["9", 0], "latent_image": ["2", 0]}});
    let latent = json!({"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}});
    let decode = json!({"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["1", 2]}});
    let workflow = json!({"1": loader, "2": latent, "3": sampler, "4": decode, "5": save("4")});
    let parameters = json!({"workflow_json": workflow.to_string()});
    let described = call(&on, "describe_workflow", parameters).await.unwrap();
    let told = &described.json()[0]["workflow"];
    assert_eq!((&told["is_runnable"], &told["outputs"][0]["kind"]), (&json!(false), &json!("image")), "{told}");
    assert_eq!(told["models"][0]["is_on_server"], false);
    let input = |key: &str| {
        let inputs = told["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["key"] == key).unwrap().clone()
    };
    assert_eq!(input("3.steps")["range"], "1 to 10000");
    assert!(input("3.sampler_name")["choices"].as_array().unwrap().contains(&json!("euler")));
    let error = refusal(on.run(&workflow, json!({})).await).message;
    for expected in [
        "workflow_json: ComfyUI would refuse the workflow: node 1 (CheckpointLoaderSimple): ckpt_name: the server has no model",
        "node 3 (KSampler): steps: takes 1 to 10000, and got 0",
        "positive: takes CONDITIONING, and node 1 (CheckpointLoaderSimple) gives CLIP",
        "negative: it is linked to node 9, which is not there",
    ] {
        assert!(error.contains(expected), "{expected}\n{error}");
    }
}

#[tokio::test]
async fn templates_are_listed_and_described() {
    let on = OnEmulator::start_on_any_server().await;
    let fields = dify_plugin_protocol::FetchParameterOptions {
        user_id: "user-1".into(),
        provider: "comfyui".into(),
        provider_action: "run_saved_workflow".into(),
        parameter: "saved_workflow".into(),
        credentials: on.credentials.clone(),
        credential_type: dify_plugin_protocol::CredentialType::ApiKey,
    };
    let options = on.plugin.fetch_parameter_options(fields).await.unwrap().options;
    let templates: Vec<_> = options.iter().filter(|option| option.value.starts_with("template:")).collect();
    for template in templates.iter().step_by(templates.len().div_ceil(20).max(1)) {
        let described = call(&on, "describe_workflow", json!({"saved_workflow": template.value})).await;
        match described {
            Ok(described) => assert!(described.json()[0]["workflow"]["nodes"].is_u64()),
            // A few need the browser.
            Err(_) => assert!(refusal(described).message.starts_with("saved_workflow: "), "{}", template.value),
        }
    }
    assert!(!templates.is_empty(), "{options:?}");
}

/// What a server answers to a request, over a connection of its own.
async fn exchange(url: &str, request: String) -> String {
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Saves a workflow as the editor does.
async fn save_workflow(on: &OnEmulator, name: &str, workflow: &Value) {
    let Ok(url) = env::var("OXIDIFY_COMFYUI_URL") else {
        assert!(on.comfyui.save_workflow(None, name, workflow.to_string()));
        return;
    };
    let user = env::var("OXIDIFY_COMFYUI_USER").unwrap_or_default();
    let users = exchange(&url, "GET /users HTTP/1.0\r\n\r\n".to_owned()).await;
    let users: Value = serde_json::from_str(users.split_once("\r\n\r\n").unwrap().1).unwrap();
    let users = users["users"].as_object().cloned().unwrap_or_default();
    let id = users.iter().find(|(_, name)| **name == user).map(|(id, _)| id.clone()).unwrap_or_default();
    let body = workflow.to_string();
    let answer = exchange(
        &url,
        format!(
            "POST /userdata/workflows%2F{name}?overwrite=true HTTP/1.0\r\nComfy-User: {id}\r\nContent-Length: {}\r\n\r\n\
             {body}",
            body.len()
        ),
    )
    .await;
    assert!(answer.contains(" 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_saved_workflow_is_run_with_another_value() {
    let on = OnEmulator::start_on_any_server().await;
    let colour = fresh_colour();
    save_workflow(&on, "oxidify_painting.json", &painting(colour)).await;
    let inputs = json!({"Canvas.height": 7}).to_string();
    let parameters = json!({"saved_workflow": "oxidify_painting", "inputs": inputs});
    let answer = call(&on, "run_saved_workflow", parameters).await.unwrap();
    assert_eq!(first_pixels(&answer), [rgb(colour)]);
    assert_eq!(pixels(answer.files[0].content.as_deref().unwrap()).dimensions(), (8, 7));
}
