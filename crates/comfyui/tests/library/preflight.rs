//! What is refused beforehand is refused by the server. Its verdict on every template, and on prompts that were changed at
//! random, is the measure.

use comfyui::{
    ClientError, ComfyUi, ConvertOptions, NodeClasses, Provenance, SubmitOptions, Workflow, WorkflowFile, convert,
    preflight,
};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::any_server::AnyServer;

/// How many prompts are changed at random.
const CHANGED: u64 = 400;

async fn classes(server: &ComfyUi, workflow: &Workflow) -> NodeClasses {
    let mut names: Vec<&str> = workflow.nodes().values().map(|node| node.class_type.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    server.node_classes(&names).await.unwrap()
}

/// Whether the server takes the prompt as a whole; it is not run to its end.
async fn is_taken(server: &ComfyUi, workflow: &Workflow) -> bool {
    match server.submit(workflow, SubmitOptions::default()).await {
        Ok(submitted) => {
            let _ = server.cancel(&submitted.prompt_id).await;
            true
        }
        Err(ClientError::Rejected(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn templates_that_are_refused_beforehand_are_refused_by_the_server() {
    let on = AnyServer::start().await;
    let server = &on.client;
    let definitions = server.node_definitions().await.unwrap();
    let replaced = server.replaced_classes().await.unwrap();
    let (mut refused, mut taken, mut left_to_the_server) = (0, 0, 0);
    for template in &server.templates().await.unwrap().templates {
        let text = server.template(template).await.unwrap();
        let Ok(WorkflowFile::Ui(workflow)) = WorkflowFile::detect(&text) else { continue };
        let Ok(conversion) = convert(&workflow, &definitions, &ConvertOptions::default()) else { continue };
        let prompt = conversion.prompt;
        if prompt.nodes().is_empty() {
            continue;
        }
        let found = preflight(&prompt, &classes(server, &prompt).await, &replaced, &Provenance::read(&text));
        let is_taken = is_taken(server, &prompt).await;
        assert!(!(found.is_refused && is_taken), "{}: {found}", template.full_name());
        match (found.is_refused, is_taken) {
            (true, _) => refused += 1,
            (false, true) => taken += 1,
            (false, false) => left_to_the_server += 1,
        }
    }
    println!("templates: {refused} refused beforehand, {left_to_the_server} by the server alone, {taken} taken");
    assert!(refused + taken + left_to_the_server > 0);
}

fn painting() -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
        "2": {"class_type": "ImageScale", "inputs": {
            "image": ["1", 0], "upscale_method": "bilinear", "width": 9, "height": 9, "crop": "disabled"}},
        "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "oxidify_preflight"}},
        "5": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        "6": {"class_type": "ImageBlend", "inputs": {
            "image1": ["1", 0], "image2": ["2", 0], "blend_factor": 0.5, "blend_mode": "normal"}},
        "7": {"class_type": "PreviewAny", "inputs": {"source": ["6", 0]}},
        "8": {"class_type": "LoadImageMask", "inputs": {"image": "none.png", "channel": "alpha"}},
        "9": {"class_type": "MaskToImage", "inputs": {"mask": ["8", 0]}},
        "10": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
    })
}

/// One to three odd things in one prompt.
fn changed(rng: &mut SmallRng) -> Workflow {
    let mut prompt = painting();
    let values = [
        json!(null),
        json!(0),
        json!(-1),
        json!(5.7),
        json!("5"),
        json!("x"),
        json!("1_0"),
        json!(" 7 "),
        json!(true),
        json!({}),
        json!({"__value__": 5}),
        json!({"__value__": ["a"]}),
        json!([]),
        json!(["1"]),
        json!(["1", 0]),
        json!(["1", 1]),
        json!(["1", -1]),
        json!(["10", 0]),
        json!(["8", 0]),
        json!(["99", 0]),
        json!([1, 0]),
        json!(["4", 0]),
        json!(["1", "0"]),
        json!(1e30),
        json!(u64::MAX),
        json!("nan"),
        json!("inf"),
        json!("٣"),
        json!("area"),
        json!("multiply"),
        json!("red"),
        json!("1e2"),
        json!(""),
    ];
    for _ in 0..rng.random_range(1..=3) {
        let nodes = prompt.as_object_mut().unwrap();
        let at = rng.random_range(0..nodes.len());
        let (id, node) = nodes.iter_mut().nth(at).unwrap();
        let id = id.clone();
        let inputs = node["inputs"].as_object_mut().unwrap();
        match rng.random_range(0..10) {
            0 => drop(nodes.remove(&id)),
            1 if rng.random_range(0..4) == 0 => node["class_type"] = json!("NoSuchNode"),
            2 | 3 if !inputs.is_empty() => {
                let name = inputs.keys().nth(rng.random_range(0..inputs.len())).unwrap().clone();
                inputs.remove(&name);
            }
            _ if !inputs.is_empty() => {
                let name = inputs.keys().nth(rng.random_range(0..inputs.len())).unwrap().clone();
                inputs.insert(name, values[rng.random_range(0..values.len())].clone());
            }
            _ => {}
        }
        if prompt.as_object().unwrap().is_empty() {
            prompt = painting();
        }
    }
    Workflow::parse(&prompt.to_string()).unwrap()
}

#[tokio::test]
async fn prompts_that_are_refused_beforehand_are_refused_by_the_server() {
    let on = AnyServer::start().await;
    let server = &on.client;
    let known = classes(server, &Workflow::parse(&painting().to_string()).unwrap()).await;
    let (mut refused, mut left_to_the_server, mut taken) = (0, 0, 0);
    for seed in 0..CHANGED {
        let prompt = changed(&mut SmallRng::seed_from_u64(seed));
        let found = preflight(&prompt, &known, &[], &Provenance::default());
        let is_taken = is_taken(server, &prompt).await;
        let shown = || format!("{seed}: {found}\n{}", serde_json::to_string(&prompt).unwrap());
        assert!(!(found.is_refused && is_taken), "{}", shown());
        match (found.is_refused, is_taken) {
            (true, _) => refused += 1,
            (false, true) => taken += 1,
            (false, false) => left_to_the_server += 1,
        }
    }
    println!("changed: {refused} refused beforehand, {left_to_the_server} by the server alone, {taken} taken");
    assert!(refused > CHANGED / 20 && taken > CHANGED / 20);
}
