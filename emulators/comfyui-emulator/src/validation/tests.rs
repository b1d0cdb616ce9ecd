use serde_json::{Map, Value, json};

use super::{MAX_DEPENDENTS, MAX_NODES, Refusal, ValidatedPrompt, validate_prompt};
use crate::node::Files;
use crate::registry::Registry;
use crate::storage::Storage;

fn check(prompt: Value) -> (Map<String, Value>, Result<ValidatedPrompt, Refusal>) {
    let storage = Storage::in_memory(1_000);
    let registry = Registry::new(Vec::new(), &Files(&storage));
    let Value::Object(mut prompt) = prompt else { panic!("a prompt is an object") };
    let result = validate_prompt(&mut prompt, None, &registry, Files(&storage));
    (prompt, result)
}

fn refusal(prompt: Value) -> (Value, Map<String, Value>) {
    match check(prompt).1 {
        Err(Refusal::Invalid(body)) => (body["error"].clone(), body["node_errors"].as_object().unwrap().clone()),
        other => panic!("not refused: {other:?}"),
    }
}

fn save(images: Value) -> Value {
    json!({"class_type": "SaveImage", "inputs": {"images": images, "filename_prefix": "x"}})
}

fn empty_image(width: Value) -> Value {
    json!({
        "class_type": "EmptyImage",
        "inputs": {"width": width, "height": 8, "batch_size": 1, "color": 0},
    })
}

#[test]
fn a_good_prompt_is_coerced_in_place() {
    let (prompt, result) = check(json!({"1": empty_image(json!("8")), "3": save(json!(["1", 0]))}));
    assert_eq!(result.unwrap().outputs, ["3"]);
    assert_eq!(prompt["1"]["inputs"]["width"], 8);
}

#[test]
fn a_cycle_blames_every_node_in_it() {
    let (error, node_errors) = refusal(json!({
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": save(json!(["1", 0])),
    }));
    assert_eq!(error["details"], "");
    assert_eq!(node_errors.keys().collect::<Vec<_>>(), ["1", "2"]);
    let reason = &node_errors["2"]["errors"][0];
    assert_eq!(reason["type"], "dependency_cycle");
    assert_eq!(reason["details"], "1 (ImageInvert) -> 2 (ImageInvert) -> 1 (ImageInvert)");
    assert_eq!(reason["extra_info"], json!({"node_id": "2", "cycle_nodes": ["1", "2"]}));
}

#[test]
fn one_good_output_is_enough() {
    let (_, result) = check(json!({
        "1": empty_image(json!(8)),
        "2": empty_image(json!(0)),
        "3": save(json!(["1", 0])),
        "4": save(json!(["2", 0])),
    }));
    let validated = result.unwrap();
    assert_eq!(validated.outputs, ["3"]);
    assert_eq!(validated.node_errors["2"]["dependent_outputs"], json!(["4"]));
}

#[test]
fn slots_are_python_indices() {
    for (slot, details) in [
        (json!(5), "tuple index out of range"),
        (json!(true), "tuple index out of range"),
        (json!("0"), "tuple indices must be integers or slices, not str"),
        (json!(0.0), "tuple indices must be integers or slices, not float"),
    ] {
        let (_, node_errors) = refusal(json!({"1": empty_image(json!(8)), "3": save(json!(["1", slot]))}));
        assert_eq!(node_errors["3"]["errors"][0]["details"], details);
    }
    let (_, result) = check(json!({"1": empty_image(json!(8)), "3": save(json!(["1", -1]))}));
    assert!(result.is_ok());
}

#[test]
fn a_long_chain_ends_in_an_error_and_not_in_a_crash() {
    let mut prompt = Map::new();
    for index in 0..1_500 {
        let inputs = json!({"image": [(index + 1).to_string(), 0]});
        prompt.insert(index.to_string(), json!({"class_type": "ImageInvert", "inputs": inputs}));
    }
    prompt.insert("1500".to_owned(), empty_image(json!(8)));
    prompt.insert("save".to_owned(), save(json!(["0", 0])));
    let (_, node_errors) = refusal(Value::Object(prompt));
    assert_eq!(node_errors.len(), 1);
}

#[test]
fn the_number_of_nodes_is_bounded() {
    let nodes = |count: usize| {
        let mut prompt: Map<String, Value> = (1..count).map(|id| (id.to_string(), save(json!(["0", 0])))).collect();
        prompt.insert("0".to_owned(), empty_image(json!(8)));
        check(Value::Object(prompt)).1
    };
    assert_eq!(nodes(MAX_NODES).unwrap().outputs.len(), MAX_NODES - 1);
    assert_eq!(nodes(MAX_NODES + 1).unwrap_err(), Refusal::Crash);
}

#[test]
fn outputs_that_all_fail_do_not_make_an_answer_of_their_square() {
    let failing = |count: usize| {
        let prompt = (0..count).map(|id| (id.to_string(), json!({"class_type": "SaveImage", "inputs": {}}))).collect();
        check(Value::Object(prompt)).1
    };
    assert!(matches!(failing(10), Err(Refusal::Invalid(_))));
    let enough = (2 * MAX_DEPENDENTS).isqrt() + 1;
    assert_eq!(failing(enough).unwrap_err(), Refusal::Crash);
}
