//! Links through muted, bypassed and virtual nodes.

use comfyui::ConvertError;
use serde_json::{Value, json};

use crate::editor::{definitions, prompt, try_convert, workflow};

/// A picture, a node between, and where it is saved. `between` gets link 1 and gives link 2.
fn through(between: &[Value], links: Value) -> Value {
    let mut nodes = vec![
        json!({"id": 1, "type": "LoadImage", "widgets_values": ["a.png", "image"]}),
        json!({"id": 9, "type": "SaveImage", "widgets_values": ["x"],
            "inputs": [{"name": "images", "type": "IMAGE", "link": 2}]}),
    ];
    nodes.extend_from_slice(between);
    workflow(Value::from(nodes), links)
}

fn saved(workflow: &Value) -> Value {
    prompt(workflow)["9"]["inputs"]["images"].clone()
}

fn reroute(mode: u64) -> Value {
    through(
        &[json!({"id": 5, "type": "Reroute", "mode": mode, "inputs": [{"name": "", "type": "*", "link": 1}],
            "outputs": [{"name": "", "type": "IMAGE"}]})],
        json!([[1, 1, 0, 5, 0, "*"], [2, 5, 0, 9, 0, "IMAGE"]]),
    )
}

#[test]
fn links_are_lists_or_objects() {
    let objects =
        json!([{"id": 2, "origin_id": "1", "origin_slot": "0", "target_id": 9, "target_slot": 7, "type": "X"}]);
    assert_eq!(saved(&through(&[], objects)), json!(["1", 0]));
    assert_eq!(saved(&through(&[], json!([null, [2, 1, 0, 9, 0, "IMAGE"]]))), json!(["1", 0]));
}

#[test]
fn a_link_counts_when_the_input_names_it() {
    let mut only_in_the_table = through(&[], json!([[2, 1, 0, 9, 0, "IMAGE"]]));
    only_in_the_table["nodes"][1]["inputs"][0]["link"] = Value::Null;
    assert_eq!(saved(&only_in_the_table), Value::Null);
    let error = try_convert(&through(&[], json!([])), &definitions()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node 9 (SaveImage): its input images is linked by link 2, which the file does not have"
    );
    let error = try_convert(&through(&[], json!([[2, 77, 0, 9, 0, "IMAGE"]])), &definitions()).unwrap_err();
    assert!(matches!(error, ConvertError::MissingOrigin { origin, .. } if origin == "77"));
}

#[test]
fn reroutes_forward_unless_they_are_muted() {
    assert_eq!(saved(&reroute(0)), json!(["1", 0]));
    assert_eq!(saved(&reroute(4)), json!(["1", 0]));
    assert_eq!(saved(&reroute(2)), Value::Null);
}

#[test]
fn reroutes_in_a_circle_lead_to_nothing() {
    let between = [
        json!({"id": 5, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 3}]}),
        json!({"id": 6, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}]}),
    ];
    let circle = through(&between, json!([[1, 5, 0, 6, 0, "*"], [3, 6, 0, 5, 0, "*"], [2, 6, 0, 9, 0, "*"]]));
    assert_eq!(saved(&circle), Value::Null);
    let notices = try_convert(&circle, &definitions()).unwrap().notices;
    assert!(notices[0].to_string().ends_with("it leads round in a circle"), "{notices:?}");
}

#[test]
fn a_long_chain_of_reroutes_is_followed() {
    let count = 30_000;
    let mut between = Vec::new();
    let mut links = vec![json!([2, 100 + count - 1, 0, 9, 0, "*"])];
    for number in 0..count {
        between.push(json!({"id": 100 + number, "type": "Reroute",
            "inputs": [{"name": "", "type": "*", "link": 1000 + number}]}));
        let origin = if number == 0 { 1 } else { 99 + number };
        links.push(json!([1000 + number, origin, 0, 100 + number, 0, "*"]));
    }
    assert_eq!(saved(&through(&between, Value::from(links))), json!(["1", 0]));
}

#[test]
fn a_muted_origin_leaves_the_widget_its_value_and_the_slot_nothing() {
    let nodes = json!([
        {"id": 1, "type": "PrimitiveInt", "mode": 2, "widgets_values": [3, "fixed"]},
        {"id": 2, "type": "EmptyLatentImage", "mode": 2, "widgets_values": [64, 64, 1]},
        {"id": 3, "type": "KSampler", "widgets_values": [7, "fixed", 20, 8, "euler", "simple", 1], "inputs": [
            {"name": "seed", "type": "INT", "link": 1, "widget": {"name": "seed"}},
            {"name": "latent_image", "type": "LATENT", "link": 2}]}]);
    let made = prompt(&workflow(nodes, json!([[1, 1, 0, 3, 4, "INT"], [2, 2, 0, 3, 3, "LATENT"]])));
    assert_eq!(made["3"]["inputs"]["seed"], 7);
    assert_eq!(made["3"]["inputs"].get("latent_image"), None);
    assert_eq!(made.as_object().unwrap().len(), 1);
}

/// A bypassed `LoraLoader`, of which this output goes to that input of a sampler or a text.
fn bypassed(output: i64, class: &str, input: &str, kind: &str) -> Value {
    let nodes = json!([
        {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["a"]},
        {"id": 2, "type": "LoraLoader", "mode": 4, "widgets_values": ["l", 1, 1], "inputs": [
            {"name": "clip", "type": "CLIP", "link": 2}, {"name": "model", "type": "MODEL", "link": 1}]},
        {"id": 3, "type": class, "inputs": [{"name": input, "type": kind, "link": 3}]}]);
    let links = json!([[1, 1, 0, 2, 0, "MODEL"], [2, 1, 1, 2, 1, "CLIP"], [3, 2, output, 3, 0, kind]]);
    prompt(&workflow(nodes, links))["3"]["inputs"][input].clone()
}

#[test]
fn a_bypassed_node_passes_on_what_is_of_the_type_that_is_asked_for() {
    assert_eq!(bypassed(0, "KSampler", "model", "MODEL"), json!(["1", 0]));
    assert_eq!(bypassed(1, "CLIPTextEncode", "clip", "CLIP"), json!(["1", 1]));
    // The type is the server's, whatever the file says.
    assert_eq!(bypassed(0, "CLIPTextEncode", "clip", "MODEL"), json!(["1", 1]));
    assert_eq!(bypassed(0, "VAEDecode", "samples", "LATENT"), Value::Null);
    // Where any type will do, the slot decides.
    assert_eq!(bypassed(1, "PreviewAny", "source", "*"), json!(["1", 1]));
}

#[test]
fn growing_inputs_keep_their_names_and_gaps() {
    let nodes = json!([
        {"id": 1, "type": "LoadImage"},
        {"id": 2, "type": "BatchImagesNode", "inputs": [
            {"name": "images.image0", "type": "IMAGE", "link": 1}, {"name": "images.image3", "type": "IMAGE", "link": 2},
            {"name": "old", "type": "IMAGE", "link": 3},
            {"name": "gone", "type": "INT", "link": 4, "widget": {"name": "gone"}}]}]);
    let links = json!([[1, 1, 0, 2, 0, "*"], [2, 1, 0, 2, 1, "*"], [3, 1, 0, 2, 1, "*"], [4, 1, 0, 2, 1, "*"]]);
    assert_eq!(
        prompt(&workflow(nodes, links))["2"]["inputs"],
        json!({"images.image0": ["1", 0], "images.image3": ["1", 0], "old": ["1", 0]})
    );
}
