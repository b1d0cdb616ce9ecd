//! Primitives, notes, group nodes, unknown classes, titles and ids.

use comfyui::{NodeDefinitions, Notice};
use serde_json::{Value, json};

use crate::editor::{alone, definitions, prompt, try_convert, workflow};

/// A primitive node that feeds an input.
fn fed(primitive: Value, class: &str, input: &str) -> Value {
    let mut node = json!({"id": 1, "type": "PrimitiveNode", "outputs": [{"name": "x", "type": "*", "links": [1]}]});
    node["widgets_values"] = primitive;
    let nodes = json!([node, {"id": 2, "type": class,
        "inputs": [{"name": input, "type": "*", "link": 1, "widget": {"name": input}}]}]);
    prompt(&workflow(nodes, json!([[1, 1, 0, 2, 0, "*"]])))["2"]["inputs"][input].clone()
}

#[test]
fn a_primitive_writes_its_value_into_the_widget() {
    assert_eq!(fed(json!(["a {b|b} // c", "fixed"]), "CLIPTextEncode", "text"), "a b ");
    assert_eq!(fed(json!(["heun"]), "KSampler", "sampler_name"), "heun");
    assert_eq!(fed(json!([u64::MAX, "fixed"]), "KSampler", "seed"), u64::MAX);
    assert_eq!(fed(json!([]), "KSampler", "steps"), 20, "one without a value writes nothing");
}

#[test]
fn numbers_of_primitives_are_bounded_and_rounded_as_the_editor_does() {
    assert_eq!(fed(json!([643]), "EmptyLatentImage", "width"), 640);
    assert_eq!(fed(json!([644]), "EmptyLatentImage", "width"), 648);
    assert_eq!(fed(json!([-7]), "EmptyLatentImage", "width"), 16);
    assert_eq!(fed(json!([99_999]), "EmptyLatentImage", "width"), 16384);
    assert_eq!(fed(json!([3.25]), "KSampler", "cfg"), 3.3);
    assert_eq!(fed(json!([0.123_456]), "KSampler", "denoise"), 0.12);
    assert_eq!(fed(json!([7.0]), "KSampler", "denoise"), 1.0);
}

#[test]
fn notes_are_no_nodes() {
    let nodes = json!([{"id": 1, "type": "Note", "widgets_values": ["x"]}, {"id": 2, "type": "MarkdownNote"}]);
    assert_eq!(prompt(&workflow(nodes, json!([]))), json!({}));
}

#[test]
fn an_unknown_class_is_kept_and_told_with_its_pack() {
    let nodes = json!([{"id": 1, "type": "Mystery", "widgets_values": [true, null, {"a": 1}, "x"],
        "properties": {"cnr_id": "mystery-pack", "ver": "1.2.3"}},
        {"id": 2, "type": "661c203f-fdc0-486f-9b0e-4466395a03b1"}]);
    let conversion = try_convert(&workflow(nodes, json!([])), &definitions()).unwrap();
    let node = conversion.prompt.node("1").unwrap();
    assert_eq!(node.class_type, "Mystery");
    assert_eq!(
        serde_json::to_value(&node.inputs).unwrap(),
        json!({"UNKNOWN": true, "UNKNOWN_1": "null", "UNKNOWN_2": "{\"a\":1}", "UNKNOWN_3": "x"})
    );
    assert_eq!(
        conversion.notices[0].to_string(),
        "node 1 (Mystery): the server has no such node class; it comes with mystery-pack 1.2.3"
    );
    assert!(matches!(conversion.notices[1], Notice::MissingSubgraph { .. }));
    assert!(!conversion.is_runnable());
}

#[test]
fn titles_are_those_given_or_the_classes_own() {
    let nodes = json!([{"id": 1, "type": "VAEDecode"}, {"id": 2, "type": "VAEDecode", "title": "Mine"},
        {"id": 3, "type": "Bare", "title": ""}]);
    let mut definitions = definitions();
    definitions.add(NodeDefinitions::from_json(br#"{"Bare": {"input": {}}}"#).unwrap());
    let prompt = try_convert(&workflow(nodes, json!([])), &definitions).unwrap().prompt;
    let titles: Vec<_> = prompt.nodes().values().map(|node| node.title().unwrap()).collect();
    assert_eq!(titles, ["VAE Decode", "Mine", "Bare"]);
}

#[test]
fn ids_may_be_texts_and_the_second_of_two_with_the_same_is_ignored() {
    let nodes = json!([{"id": "node_1", "type": "VAEDecode"}, {"id": -7, "type": "VAEDecode"},
        {"id": 3, "type": "SaveImage", "widgets_values": ["one"]}, {"id": "3", "type": "SaveImage"}]);
    let conversion = try_convert(&workflow(nodes, json!([])), &definitions()).unwrap();
    assert_eq!(conversion.prompt.nodes().len(), 3);
    assert_eq!(conversion.prompt.node("3").unwrap().inputs["filename_prefix"], "one");
    assert_eq!(
        conversion.notices[0].to_string(),
        "node 3 (SaveImage): another node has the same id; this one is ignored"
    );
}

#[test]
fn only_the_modes_for_muting_and_bypassing_take_a_node_out() {
    let nodes: Vec<Value> = [json!(0), json!(1), json!(2), json!(3), json!(4), json!("4"), Value::Null]
        .into_iter()
        .enumerate()
        .map(|(id, mode)| json!({"id": id, "type": "VAEDecode", "mode": mode}))
        .collect();
    let made = prompt(&workflow(Value::from(nodes), json!([])));
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "1", "3", "5", "6"]);
}

#[test]
fn the_camera_of_a_browser_is_not_here() {
    let mut definitions = definitions();
    let class = br#"{"WebcamCapture": {"input": {"required": {"image": ["WEBCAM"]}}}}"#;
    definitions.add(NodeDefinitions::from_json(class).unwrap());
    let error = try_convert(&alone("WebcamCapture", json!([])), &definitions).unwrap_err();
    assert!(error.to_string().contains("camera"), "{error}");
}

#[test]
fn a_group_node_becomes_its_inside() {
    // Two texts behind each other: the second's words come from the first node's hidden output.
    let inner = |text: &str| {
        json!({"type": "CLIPTextEncode", "inputs": [{"name": "clip", "type": "CLIP"}],
        "outputs": [{"name": "CONDITIONING", "type": "CONDITIONING"}], "widgets_values": [text]})
    };
    let nodes = json!([
        {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["a"]},
        {"id": 5, "type": "workflow>Pair", "mode": 4, "widgets_values": ["one", "two"], "inputs": [
            {"name": "clip", "type": "CLIP", "link": 1}, {"name": "CLIPTextEncode clip", "type": "CLIP", "link": 2}]},
        {"id": 6, "type": "KSampler", "inputs": [{"name": "positive", "type": "CONDITIONING", "link": 3}]}]);
    let mut file = workflow(nodes, json!([[1, 1, 1, 5, 0, "CLIP"], [2, 1, 1, 5, 1, "CLIP"], [3, 5, 1, 6, 0, "*"]]));
    file["last_node_id"] = json!(60);
    file["extra"] = json!({"groupNodes": {"Pair": {"nodes": [inner("a"), inner("b")], "links": [], "external": []}}});
    let made = prompt(&file);
    assert_eq!(made["63:61"]["inputs"], json!({"text": "one", "clip": ["1", 1]}));
    assert_eq!(made["63:62"]["inputs"], json!({"text": "two", "clip": ["1", 1]}));
    assert_eq!(made["6"]["inputs"]["positive"], json!(["63:62", 0]));
}
