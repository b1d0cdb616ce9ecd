//! What is wrong with a workflow is told before anything is sent, in one list; what the server would run is not refused.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use std::sync::{Arc, Mutex};

use comfyui_emulator::{
    Execution, Files, InputDefinition, Inputs, Node, NodeDefinition, NodeError, NodeOutput, Schema,
};
use on_emulator::{OnEmulator, colour, refusal, save, summary};
use pictures::{photo, png};
use serde_json::{Value, json};

fn dream(checkpoint: &str) -> Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}, "_meta": {"title": "Prompt"}},
        "4": {"class_type": "KSampler", "_meta": {"title": "Sampler"}, "inputs": {
            "seed": 5, "steps": 1, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["1", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["2", 0]}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": save("5"),
    })
}

#[tokio::test]
async fn everything_that_is_wrong_is_in_one_list_and_nothing_is_uploaded() {
    let on = OnEmulator::start().await;
    let mut workflow = dream("emulatr.safetensors");
    workflow["4"]["inputs"]["sampler_name"] = json!("eulr");
    workflow["4"]["inputs"]["steps"] = json!(0);
    workflow["4"]["inputs"].as_object_mut().unwrap().remove("positive");
    workflow["5"]["inputs"]["samples"] = json!(["1", 0]);
    workflow["5"]["inputs"]["vae"] = json!(["77", 0]);
    workflow["7"] = json!({"class_type": "FaceDetailer", "inputs": {}});
    workflow["8"] = on_emulator::load("Photo");
    workflow["9"] = save("8");
    let picture = on.file("photo.png", "image/png", png(&photo(4, 4)));
    let error = refusal(on.run(&workflow, json!({"images": [picture]})).await);
    assert_eq!(error.error_type, "ToolParameterValidationError");
    for expected in [
        "workflow_json: ComfyUI would refuse the workflow: ",
        "node 1 (CheckpointLoaderSimple): ckpt_name: the server has no model \"emulatr.safetensors\" in models/checkpoints; \
         did you mean emulator.safetensors?",
        "node 4 \"Sampler\" (KSampler): sampler_name: has no choice \"eulr\"; did you mean euler",
        "steps: takes 1 to 10000, and got 0",
        "positive: it is required, and has neither a value nor a link",
        "samples: takes LATENT, and node 1 (CheckpointLoaderSimple) gives MODEL",
        "vae: it is linked to node 77, which is not there",
        "node 7 (FaceDetailer): the server has no such node class",
    ] {
        assert!(error.message.contains(expected), "{expected}\n{}", error.message);
    }
    assert!(!on.comfyui.file_names(comfyui_emulator::Folder::Input).iter().any(|name| name.contains("photo")));
    on.assert_well_behaved();
}

#[tokio::test]
async fn what_the_server_runs_in_part_is_not_refused() {
    let on = OnEmulator::start().await;
    let mut workflow = dream("missing.safetensors");
    workflow["7"] = colour(255);
    workflow["8"] = save("7");
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(answer.files.len(), 1);
    assert!(summary(&answer)["warnings"].to_string().contains("missing.safetensors"), "{answer:?}");
}

/// A loader whose list of files changes.
struct StyleLoader(Arc<Mutex<Vec<String>>>, &'static str);

impl Node for StyleLoader {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("StyleLoader", "Load Style", Schema::V1)
            .python_module(self.1)
            .input(InputDefinition::choice("style_model_name", self.0.lock().unwrap().clone()))
            .output_node()
    }

    fn execute(&self, _: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Ok(NodeOutput::values(Vec::new()))
    }
}

fn style(name: &str) -> Value {
    json!({"1": {"class_type": "StyleLoader", "inputs": {"style_model_name": name}}})
}

#[tokio::test]
async fn a_model_that_came_since_the_last_look_is_found() {
    let files = Arc::new(Mutex::new(vec!["old.safetensors".to_owned()]));
    let node = StyleLoader(Arc::clone(&files), "nodes");
    let on = OnEmulator::start_with(|comfyui| comfyui.node(node), |_| ()).await;
    on.run(&style("old.safetensors"), json!({})).await.unwrap();
    let error = refusal(on.run(&style("new.safetensors"), json!({})).await);
    assert!(error.message.contains("no model \"new.safetensors\" in models/style_models"), "{}", error.message);
    files.lock().unwrap().push("new.safetensors".to_owned());
    on.run(&style("new.safetensors"), json!({})).await.unwrap();
    let inputs = json!({"1.style_model_name": "newer.safetensors"}).to_string();
    files.lock().unwrap().push("newer.safetensors".to_owned());
    on.run(&style("old.safetensors"), json!({"inputs": inputs})).await.unwrap();
}

#[tokio::test]
async fn what_a_custom_node_may_allow_is_left_to_the_server() {
    let files = Arc::new(Mutex::new(vec!["old.safetensors".to_owned()]));
    let node = StyleLoader(files, "custom_nodes.styles");
    let on = OnEmulator::start_with(|comfyui| comfyui.node(node), |_| ()).await;
    let error = refusal(on.run(&style("ald.safetensors"), json!({})).await);
    assert!(error.message.starts_with("workflow_json: ComfyUI refused the workflow: "), "{}", error.message);
    assert!(error.message.contains("did you mean old.safetensors?"), "{}", error.message);
}

#[tokio::test]
async fn what_is_known_of_a_server_is_not_asked_again() {
    let mut on = OnEmulator::start().await;
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    on.comfyui.observe_requests(move || {
        let counted = Arc::clone(&counted);
        Box::new(move |bytes: &[u8]| {
            *counted.lock().unwrap() += String::from_utf8_lossy(bytes).matches("/object_info/").count();
        })
    });
    let run = async |on: &OnEmulator| {
        let before = *asked.lock().unwrap();
        on.run(&dream("emulator.safetensors"), json!({})).await.unwrap();
        *asked.lock().unwrap() - before
    };
    // The observer may be told of a connection that was there before it.
    run(&on).await;
    assert_eq!(run(&on).await, 0);
    on.fill_in("comfyui_api_key", "");
    on.fill_in("extra_header", format!("Authorization: Bearer {}", on_emulator::TOKEN));
    assert_eq!(run(&on).await, 6, "what one is told is not for another");
    on.fill_in("expire_after", "0");
    assert_eq!((run(&on).await, run(&on).await), (6, 6));
}
