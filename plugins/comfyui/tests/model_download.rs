//! Models that a workflow names with their addresses and the server lacks are fetched by the server itself.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::sync::{Arc, Mutex};

use comfyui_emulator::{
    Execution, Files, InputDefinition, Inputs, Node, NodeDefinition, NodeError, NodeOutput, Schema,
};
use on_emulator::watched::{CIVITAI_KEY, HF_KEY};
use on_emulator::{OnEmulator, refusal};
use serde_json::{Value, json};

type Shared<T> = Arc<Mutex<Vec<T>>>;

/// A loader that knows what was fetched.
struct StyleLoader(Shared<String>);

impl Node for StyleLoader {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("StyleLoader", "Load Style", Schema::V1)
            .input(InputDefinition::choice("style_model_name", self.0.lock().unwrap().clone()))
            .output_node()
    }

    fn execute(&self, _: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        Ok(NodeOutput::values(Vec::new()))
    }
}

/// In place of the node that fetches: it writes down what it was asked for.
struct Downloader {
    models: Shared<String>,
    asked: Shared<[String; 4]>,
}

impl Node for Downloader {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("AssetDownloader", "Requires Asset", Schema::V1)
            .python_module("custom_nodes.comfy-asset-downloader")
            .input(InputDefinition::new("url", "STRING"))
            .input(InputDefinition::choice("save_to", ["checkpoints", "style_models", "text_encoders"]))
            .input(InputDefinition::new("filename", "STRING"))
            .input(InputDefinition::new("token", "STRING").optional())
            .output_node()
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let mut all = [const { String::new() }; 4];
        for (text, name) in all.iter_mut().zip(["url", "save_to", "filename", "token"]) {
            inputs.text(name)?.clone_into(text);
        }
        let (url, name, token) = (all[0].clone(), all[2].clone(), all[3].clone());
        self.asked.lock().unwrap().push(all);
        if url.contains("gated") {
            let words = format!("401 Client Error: Unauthorized for url: {url} (token {token})");
            return Err(NodeError::failed("requests.exceptions.HTTPError", words));
        }
        self.models.lock().unwrap().push(name);
        Ok(NodeOutput::values(Vec::new()))
    }
}

fn workflow(wanted: &[(&str, &str)], folder: &str) -> Value {
    let nodes: Vec<Value> = wanted
        .iter()
        .enumerate()
        .map(|(index, (name, url))| {
            let file = name.rsplit('/').next().unwrap();
            json!({"id": index + 1, "type": "StyleLoader", "mode": 0, "inputs": [], "outputs": [],
                "widgets_values": [name],
                "properties": {"models": [{"name": file, "url": url, "directory": folder}]}})
        })
        .collect();
    json!({"last_node_id": 9, "last_link_id": 0, "version": 0.4, "nodes": nodes, "links": []})
}

struct Set {
    on: OnEmulator,
    asked: Shared<[String; 4]>,
}

async fn start(with_downloader: bool) -> Set {
    let models: Shared<String> = Arc::new(Mutex::new(vec!["there.safetensors".to_owned()]));
    let asked: Shared<[String; 4]> = Arc::default();
    let (loader, downloader) = (StyleLoader(Arc::clone(&models)), Downloader { models, asked: Arc::clone(&asked) });
    let on = OnEmulator::start_with(
        |comfyui| {
            let comfyui = comfyui.node(loader);
            if with_downloader { comfyui.node(downloader) } else { comfyui }
        },
        |_| (),
    )
    .await;
    Set { on, asked }
}

const CIVITAI: &str = "https://civitai.com/api/download/models/12?type=Model";
const HUGGING_FACE: &str = "https://huggingface.co/a/b/resolve/main/two.safetensors";
const ELSEWHERE: &str = "https://models.example/civitai.com/three.safetensors";

#[tokio::test]
async fn missing_models_are_fetched_with_the_key_of_their_host_and_the_workflow_runs() {
    let Set { on, asked } = start(true).await;
    let wanted = [
        ("one.safetensors", CIVITAI),
        ("sub/two.safetensors", HUGGING_FACE),
        ("three.safetensors", ELSEWHERE),
        ("there.safetensors", ELSEWHERE),
    ];
    let answer = on.run(&workflow(&wanted, "style_models"), json!({})).await.unwrap();
    assert!(answer.text().contains("The workflow ran"), "{}", answer.text());
    let expected = [
        [CIVITAI, "style_models", "one.safetensors", CIVITAI_KEY],
        [HUGGING_FACE, "style_models", "two.safetensors", HF_KEY],
        [ELSEWHERE, "style_models", "three.safetensors", ""],
    ];
    assert_eq!(*asked.lock().unwrap(), expected);
    let messages = format!("{:?}", answer.messages);
    assert!(messages.contains("Download one.safetensors into models/style_models"), "{messages}");
    assert!(!messages.contains(CIVITAI_KEY) && !messages.contains(HF_KEY));
    on.assert_well_behaved();
}

#[tokio::test]
async fn only_what_may_be_fetched_is() {
    let Set { on, asked } = start(true).await;
    let refused = async |wanted: &[(&str, &str)], folder: &str, parameters: Value| {
        refusal(on.run(&workflow(wanted, folder), parameters).await).message
    };
    let plain = refused(&[("a.safetensors", "http://example.com/a")], "style_models", json!({})).await;
    assert!(plain.contains("does not begin with https://"), "{plain}");
    let outside = refused(&[("a.safetensors", ELSEWHERE)], "../custom_nodes", json!({})).await;
    assert!(outside.contains("its folder is not one of models"), "{outside}");
    let unknown = refused(&[("a.safetensors", ELSEWHERE)], "loras", json!({})).await;
    assert!(unknown.contains("no folder models/loras"), "{unknown}");
    let program = refused(&[("a.py", ELSEWHERE)], "style_models", json!({})).await;
    assert!(program.contains("not that of a model file"), "{program}");
    let off = refused(&[("a.safetensors", ELSEWHERE)], "style_models", json!({"enable_download": false})).await;
    assert!(off.contains("no model \"a.safetensors\" in models/style_models") && off.contains(ELSEWHERE), "{off}");
    assert_eq!(asked.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn a_folder_that_was_renamed_is_known_by_its_old_name() {
    let Set { on, asked } = start(true).await;
    on.run(&workflow(&[("x.safetensors", ELSEWHERE)], "clip"), json!({})).await.unwrap();
    assert_eq!(asked.lock().unwrap()[0][1], "text_encoders");
}

#[tokio::test]
async fn a_download_that_fails_says_so_without_the_key() {
    let Set { on, .. } = start(true).await;
    let gated = "https://huggingface.co/gated/x.safetensors";
    let error = refusal(on.run(&workflow(&[("x.safetensors", gated)], "style_models"), json!({})).await);
    assert!(error.message.contains("could not download x.safetensors from huggingface.co"), "{}", error.message);
    assert!(error.message.contains("401") && !error.message.contains(HF_KEY), "{}", error.message);
    on.assert_well_behaved();
}

#[tokio::test]
async fn without_the_node_that_fetches_its_pack_is_named() {
    let Set { on, .. } = start(false).await;
    let error = refusal(on.run(&workflow(&[("x.safetensors", HUGGING_FACE)], "style_models"), json!({})).await);
    assert!(error.message.contains("no model \"x.safetensors\" in models/style_models"), "{}", error.message);
    assert!(error.message.contains("comfy-asset-downloader"), "{}", error.message);
    on.assert_well_behaved();
}

#[tokio::test]
async fn models_can_be_fetched_without_running_the_workflow() {
    let Set { on, asked } = start(true).await;
    let workflow = workflow(&[("x.safetensors", ELSEWHERE)], "style_models");
    let answer = on.run(&workflow, json!({"execute_workflow": false})).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!(answer.json()[0]["1"]["inputs"]["style_model_name"], "x.safetensors");
}
