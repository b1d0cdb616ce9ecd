//! From `widgets_values` to the values of a prompt.

use serde_json::json;

use crate::editor::{alone, definitions, inputs_of, prompt, prompt_with, try_convert, with_classes, workflow};

const SEED: u64 = u64::MAX;

#[test]
fn the_widget_behind_a_seed_takes_a_place_and_all_digits_stay() {
    let values = json!([SEED, "randomize", 25, 7.5, "heun", "karras", 0.87]);
    assert_eq!(
        inputs_of("KSampler", values),
        json!({"seed": SEED, "steps": 25, "cfg": 7.5, "sampler_name": "heun", "scheduler": "karras", "denoise": 0.87})
    );
}

#[test]
fn a_seed_is_known_by_its_name_where_nothing_is_said() {
    let definitions = with_classes(&json!({"A": {"input": {"required": {
        "noise_seed": ["INT"], "other": ["INT"], "seed": ["INT", {"control_after_generate": false}], "z": ["INT"]}}}}));
    let made = prompt_with(&alone("A", json!([1, "fixed", 2, 3, 4])), &definitions);
    assert_eq!(made["1"]["inputs"], json!({"noise_seed": 1, "other": 2, "seed": 3, "z": 4}));
}

#[test]
fn too_few_values_leave_defaults_and_too_many_are_told() {
    assert_eq!(inputs_of("EmptyLatentImage", json!([64])), json!({"width": 64, "height": 512, "batch_size": 1}));
    let conversion = try_convert(&alone("EmptyLatentImage", json!([64, 64, 1, "x", 2])), &definitions()).unwrap();
    assert_eq!(
        conversion.notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["node 1 (EmptyLatentImage): 2 more values in the file than the node has widgets"]
    );
    assert!(conversion.is_runnable());
}

#[test]
fn values_are_not_judged() {
    assert_eq!(
        inputs_of("EmptyLatentImage", json!(["a", true, -5])),
        json!({"width": "a", "height": true, "batch_size": -5})
    );
}

#[test]
fn nothing_is_the_first_choice_or_an_empty_text() {
    let values = json!([null, null, null, 1, null, "karras", 1]);
    assert_eq!(
        inputs_of("KSampler", values),
        json!({"seed": null, "steps": null, "cfg": 1, "sampler_name": "euler", "scheduler": "karras", "denoise": 1})
    );
    assert_eq!(inputs_of("CLIPTextEncode", json!([null])), json!({"text": ""}));
    assert_eq!(inputs_of("LoadImage", json!([null, "image"])), json!({"image": null}));
}

#[test]
fn an_object_of_values_is_read_by_index() {
    assert_eq!(
        inputs_of("EmptyLatentImage", json!({"0": 8, "2": 3})),
        json!({"width": 8, "batch_size": 3}),
        "what is not there is left out"
    );
    assert_eq!(inputs_of("CLIPTextEncode", json!({"text": "x"})), json!({"text": "undefined"}));
}

#[test]
fn a_pack_of_custom_nodes_may_keep_its_values_by_name() {
    let definitions = with_classes(&json!({"VHS_LoadVideo": {"input": {"required": {
        "video": [["a.mp4"]], "rate": ["INT", {"default": 24}]}}, "python_module": "custom_nodes.videohelpersuite"}}));
    let made = prompt_with(&alone("VHS_LoadVideo", json!({"video": "b.mp4", "preview": {}})), &definitions);
    assert_eq!(made["1"]["inputs"], json!({"video": "b.mp4", "rate": 24}));
}

#[test]
fn lists_are_wrapped_because_the_server_takes_them_for_links() {
    let definitions = with_classes(&json!({"C": {"input": {"required": {
        "text": ["STRING"], "curve": ["CURVE"], "box": ["BOUNDING_BOX"], "after": ["INT"]}}}}));
    let values = json!([["a", 0], [[0, 0], [1, 1]], {"x": 1}, 1, 2, 3, 4, 5]);
    assert_eq!(
        prompt_with(&alone("C", values), &definitions)["1"]["inputs"],
        json!({"text": {"__value__": ["a", 0]}, "curve": {"__type__": "CURVE", "__value__": [[0, 0], [1, 1]]},
            "box": {"x": 1}, "after": 5})
    );
}

#[test]
fn values_of_old_files_for_slots_are_taken_out() {
    let definitions = with_classes(&json!({"F": {"input": {"required": {
        "a": ["INT"], "b": ["STRING", {"forceInput": true}], "c": ["INT"]}}}}));
    let made = |values| prompt_with(&alone("F", values), &definitions)["1"]["inputs"].clone();
    assert_eq!(made(json!([1, "", 2])), json!({"a": 1, "c": 2}));
    assert_eq!(made(json!([1, 2])), json!({"a": 1, "c": 2}));
}

#[test]
fn what_a_dynamic_combo_brings_follows_it() {
    let definitions = with_classes(&json!({"D": {"input": {"required": {
        "mode": ["COMFY_DYNAMICCOMBO_V3", {"options": [
            {"key": "a", "inputs": {"required": {"x": ["INT"], "deep": ["COMFY_DYNAMICCOMBO_V3", {"options": [
                {"key": "p", "inputs": {}}, {"key": "q", "inputs": {"optional": {"y": ["INT", {"default": 7}]}}}]}]}}},
            {"key": "b", "inputs": {"required": {"seed": ["INT"], "image": ["IMAGE"]}}}]}],
        "last": ["INT"]}}}}));
    let made = |values| prompt_with(&alone("D", values), &definitions)["1"]["inputs"].clone();
    assert_eq!(
        made(json!(["a", 1, "q", 2, 3])),
        json!({"mode": "a", "mode.x": 1, "mode.deep": "q", "mode.deep.y": 2, "last": 3})
    );
    assert_eq!(made(json!(["b", 1, 2])), json!({"mode": "b", "mode.seed": 1, "last": 2}));
    assert_eq!(made(json!(["z", 2])), json!({"mode": "z", "last": 2}));
    assert_eq!(made(json!(null)), json!({"mode": "a", "mode.x": 0, "mode.deep": "p", "last": 0}));
}

#[test]
fn links_to_what_is_not_chosen_are_dropped_and_told() {
    let nodes = json!([
        {"id": 1, "type": "LoadImage", "widgets_values": ["a.png", "image"]},
        {"id": 2, "type": "ResizeImageMaskNode", "widgets_values": ["scale by multiplier", 2, "area"],
            "inputs": [{"name": "input", "type": "IMAGE", "link": 1}, {"name": "resize_type.match", "type": "IMAGE", "link": 2}]}]);
    let workflow = workflow(nodes, json!([[1, 1, 0, 2, 0, "IMAGE"], [2, 1, 0, 2, 1, "IMAGE"]]));
    assert_eq!(
        prompt(&workflow)["2"]["inputs"],
        json!({"resize_type": "scale by multiplier", "resize_type.multiplier": 2, "scale_method": "area", "input": ["1", 0]})
    );
    let notices = try_convert(&workflow, &definitions()).unwrap().notices;
    assert_eq!(
        notices[0].to_string(),
        "node 2 (ResizeImageMaskNode): the link to resize_type.match is left out: the node has no such input"
    );
}

#[test]
fn comments_and_choices_are_resolved_and_the_same_seed_chooses_the_same() {
    let text = "a {red|green|blue|black|white} cat // not this";
    let made = inputs_of("CLIPTextEncode", json!([text]))["text"].as_str().unwrap().to_owned();
    assert!(made.starts_with("a ") && made.ends_with(" cat ") && !made.contains('{'), "{made}");
    assert_eq!(inputs_of("CLIPTextEncode", json!([text]))["text"], made);
}

#[test]
fn file_names_are_filled_from_other_nodes() {
    let nodes = json!([
        {"id": 4, "type": "EmptyLatentImage", "title": "Size", "widgets_values": [640, 512, 1]},
        {"id": 5, "type": "CLIPTextEncode", "properties": {"Node name for S&R": "Prompt"}, "widgets_values": ["a/b"]},
        {"id": 7, "type": "SaveImage", "widgets_values": ["%Size.width%_%Prompt.text%_%width%_%No.x%_%date:yyyy%"]}]);
    let made = prompt(&workflow(nodes, json!([])));
    assert_eq!(made["7"]["inputs"]["filename_prefix"], "640_a_b_%width%_%No.x%_0");
}

#[test]
fn very_old_names_of_samplers_are_put_right() {
    let values = json!([1, "fixed", 20, 8, "sample_heun", "simple", 1]);
    assert_eq!(inputs_of("KSampler", values)["sampler_name"], "heun");
}
