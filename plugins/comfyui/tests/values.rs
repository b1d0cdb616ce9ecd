//! Values and seeds that the user gives, what is refused of them, and that a run can be repeated.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use on_emulator::{OnEmulator, colour, refusal, save, summary};
use pictures::pixels;
use serde_json::{Value, json};

fn dream(seed: &Value) -> Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}, "_meta": {"title": "Prompt"}},
        "4": {"class_type": "KSampler", "_meta": {"title": "Sampler"}, "inputs": {
            "seed": seed, "steps": 1, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["1", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["2", 0]}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": save("5"),
    })
}

#[tokio::test]
async fn values_reach_the_nodes_that_their_keys_name() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": colour(0), "2": save("1")});
    let inputs = json!({"1.color": "255", "EmptyImage.width": 1}).to_string();
    let error = refusal(on.run(&workflow, json!({"inputs": inputs})).await);
    assert!(error.message.starts_with("inputs: the workflow has no node \"EmptyImage\""), "{}", error.message);

    let inputs = json!({"1.color": "255", "1.width": 3, "Result.filename_prefix": "named"}).to_string();
    let answer = on.run(&workflow, json!({"inputs": inputs})).await.unwrap();
    let [file] = &answer.files[..] else { panic!("{answer:?}") };
    assert_eq!(file.name.as_deref(), Some("named_00001_.png"));
    let picture = pixels(file.content.as_deref().unwrap());
    assert_eq!((picture.dimensions(), picture.get_pixel(0, 0).0), ((3, 8), [0, 0, 255]));
    on.assert_well_behaved();
}

#[tokio::test]
async fn what_the_server_would_refuse_is_told_before_it_is_asked() {
    let on = OnEmulator::start().await;
    let inputs = json!({
        "Sampler.sampler_name": "eulr", "4.steps": 0, "4.model": "x", "Promt.text": "a dog",
    });
    let refused = [
        ("Sampler.sampler_name", "did you mean euler"),
        ("4.steps", "steps takes 1 to 10000, and got 0"),
        ("4.model", "model is filled by node 1 (CheckpointLoaderSimple)"),
        ("Promt.text", r#"there is node 3 "Prompt" (CLIPTextEncode)"#),
    ];
    for (key, expected) in refused {
        let one = json!({(key): inputs[key]}).to_string();
        let error = refusal(on.run(&dream(&json!(5)), json!({"inputs": one})).await);
        assert_eq!(error.error_type, "ToolParameterValidationError");
        assert!(error.message.starts_with("inputs: ") && error.message.contains(expected), "{}", error.message);
    }
    assert_eq!(on.comfyui.output_names(), [""; 0]);
}

#[tokio::test]
async fn a_seed_repeats_a_run_with_every_digit() {
    let on = OnEmulator::start().await;
    let mut pictures = Vec::new();
    let random = on.run(&dream(&json!(5)), json!({})).await.unwrap();
    let seed = summary(&random)["seeds"]["4"].as_str().unwrap().to_owned();
    pictures.push(pixels(random.files[0].content.as_deref().unwrap()));
    for inputs in [json!({"seed": seed}), json!({"inputs": json!({"Sampler.seed": seed}).to_string()})] {
        let again = on.run(&dream(&json!(5)), inputs).await.unwrap();
        assert_eq!(summary(&again)["seeds"], json!({"4": seed}));
        pictures.push(pixels(again.files[0].content.as_deref().unwrap()));
    }
    assert!(pictures[0] == pictures[1] && pictures[1] == pictures[2]);

    let error = refusal(on.run(&dream(&json!(5)), json!({"seed": "18446744073709551616"})).await);
    assert!(error.message.starts_with("seed: enter a whole number"), "{}", error.message);
    let error = refusal(on.run(&json!({"1": colour(0), "2": save("1")}), json!({"seed": "1"})).await);
    assert!(error.message.starts_with("seed: the workflow has no seed"), "{}", error.message);
}
