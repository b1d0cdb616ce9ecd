//! Subgraphs: nested, used twice, with values of their own.

use comfyui::ConvertError;
use serde_json::{Value, json};

use crate::editor::{definitions, prompt, try_convert};

/// A subgraph with one text node, whose words and `clip` come from outside.
fn text_subgraph(id: &str) -> Value {
    json!({"id": id, "name": "Text", "nodes": [{"id": 5, "type": "CLIPTextEncode", "inputs": [
            {"name": "clip", "type": "CLIP", "link": 1},
            {"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": 2}], "widgets_values": ["inner"]}],
        "inputs": [{"name": "clip", "type": "CLIP", "linkIds": [1]}, {"name": "words", "type": "STRING", "linkIds": [2]}],
        "outputs": [{"name": "out", "type": "CONDITIONING", "linkIds": [3]}],
        "links": [
            {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 5, "target_slot": 0, "type": "CLIP"},
            {"id": 2, "origin_id": -10, "origin_slot": 1, "target_id": 5, "target_slot": 1, "type": "STRING"},
            {"id": 3, "origin_id": 5, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "CONDITIONING"}]})
}

fn file(nodes: Value, links: Value, subgraphs: Value) -> Value {
    json!({"last_node_id": 20, "nodes": nodes, "links": links, "definitions": {"subgraphs": subgraphs}, "version": 0.4})
}

#[test]
fn each_instance_has_its_own_nodes_and_values() {
    let nodes = json!([
        {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["a"]},
        {"id": 8, "type": "T", "inputs": [{"name": "words", "link": null}, {"name": "clip", "link": 1}],
            "widgets_values": ["eight // as it is"]},
        {"id": 9, "type": "T"},
        {"id": 10, "type": "T", "mode": 2},
        {"id": 3, "type": "KSampler", "inputs": [{"name": "positive", "link": 2}, {"name": "negative", "link": 3}]}]);
    let links = json!([[1, 1, 1, 8, 0, "CLIP"], [2, 8, 0, 3, 0, "*"], [3, 10, 0, 3, 0, "*"]]);
    let made = prompt(&file(nodes, links, json!([text_subgraph("T")])));
    assert_eq!(made["8:5"]["inputs"], json!({"text": "eight // as it is", "clip": ["1", 1]}));
    assert_eq!(made["9:5"]["inputs"], json!({"text": "inner"}));
    assert_eq!(made["3"]["inputs"]["positive"], json!(["8:5", 0]));
    assert_eq!(made["3"]["inputs"].get("negative"), None);
    assert_eq!(made.get("10:5"), None);
}

/// Subgraph `O` holds an instance of `T`, and shows its words.
fn nested() -> Value {
    let outer = json!({"id": "O", "name": "Outer",
        "nodes": [{"id": 6, "type": "T", "widgets_values": ["middle"], "inputs": [{"name": "words", "link": 1}]}],
        "inputs": [{"name": "shown", "type": "STRING", "linkIds": [1]}], "outputs": [],
        "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 6, "target_slot": 1, "type": "STRING"}]});
    json!([outer, text_subgraph("T")])
}

#[test]
fn values_come_through_all_instances() {
    let made = |nodes: Value| prompt(&file(nodes, json!([[1, 2, 0, 7, 0, "STRING"]]), nested()));
    assert_eq!(made(json!([{"id": 7, "type": "O"}]))["7:6:5"]["inputs"]["text"], "middle");
    assert_eq!(made(json!([{"id": 7, "type": "O", "widgets_values": ["own"]}]))["7:6:5"]["inputs"]["text"], "own");
    let linked = json!([{"id": 2, "type": "PreviewAny"},
        {"id": 7, "type": "O", "widgets_values": ["own"], "inputs": [{"name": "shown", "link": 1}]}]);
    assert_eq!(made(linked)["7:6:5"]["inputs"]["text"], json!(["2", 0]));
}

#[test]
fn lists_of_widgets_in_older_files_become_inputs() {
    let mut subgraph = text_subgraph("T");
    subgraph["inputs"].as_array_mut().unwrap().pop();
    subgraph["nodes"][0]["inputs"][1]["link"] = Value::Null;
    let nodes = json!([
        {"id": 8, "type": "T", "properties": {"proxyWidgets": [["5", "text"], ["99", "gone"]]}, "widgets_values": ["host", 1]},
        {"id": 9, "type": "T", "properties": {"proxyWidgets": [["5", "text"]]}, "widgets_values": [null]}]);
    let made = prompt(&file(nodes, json!([]), json!([subgraph])));
    assert_eq!(made["8:5"]["inputs"]["text"], "host");
    assert_eq!(made["9:5"]["inputs"]["text"], "inner");
}

#[test]
fn a_widget_of_an_older_file_takes_the_place_of_what_fed_it_inside() {
    let mut subgraph = text_subgraph("T");
    subgraph["nodes"].as_array_mut().unwrap().push(json!({"id": 6, "type": "PreviewAny"}));
    subgraph["links"][1]["origin_id"] = json!(6);
    subgraph["links"][1]["origin_slot"] = json!(0);
    subgraph["inputs"].as_array_mut().unwrap().pop();
    let node =
        |properties: Value| json!([{"id": 8, "type": "T", "properties": properties, "widgets_values": ["host"]}]);
    let made =
        |properties| prompt(&file(node(properties), json!([]), json!([subgraph])))["8:5"]["inputs"]["text"].clone();
    assert_eq!(made(json!({})), json!(["8:6", 0]));
    assert_eq!(made(json!({"proxyWidgets": [["5", "text"]]})), "host");
}

#[test]
fn an_older_file_may_mean_a_widget_further_inside() {
    let nodes =
        json!([{"id": 7, "type": "O", "properties": {"proxyWidgets": [["6", "5: text"]]}, "widgets_values": ["deep"]}]);
    assert_eq!(prompt(&file(nodes, json!([]), nested()))["7:6:5"]["inputs"]["text"], "deep");
}

#[test]
fn a_primitive_of_an_older_file_becomes_an_input() {
    let mut subgraph = text_subgraph("T");
    subgraph["nodes"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": 6, "type": "PrimitiveNode", "widgets_values": ["own"]}));
    subgraph["links"][1]["origin_id"] = json!(6);
    subgraph["links"][1]["origin_slot"] = json!(0);
    subgraph["inputs"].as_array_mut().unwrap().pop();
    let nodes = json!([{"id": 8, "type": "T", "properties": {"proxyWidgets": [["6", "value"]]}, "widgets_values": ["host"]},
        {"id": 9, "type": "T"}]);
    let made = prompt(&file(nodes, json!([]), json!([subgraph])));
    assert_eq!(made["8:5"]["inputs"]["text"], "host");
    assert_eq!(made["9:5"]["inputs"]["text"], "inner");
}

#[test]
fn inner_ids_that_others_have_are_changed() {
    let nodes = json!([{"id": 5, "type": "T"}, {"id": 6, "type": "U",
        "properties": {"proxyWidgets": [["5", "text"]]}, "widgets_values": ["u"]}]);
    let made = prompt(&file(nodes, json!([]), json!([text_subgraph("T"), text_subgraph("U")])));
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["5:21", "6:22"]);
    assert_eq!(made["6:22"]["inputs"]["text"], "u");
}

#[test]
fn a_bypassed_instance_passes_its_inputs_on() {
    let nodes = json!([
        {"id": 1, "type": "CLIPTextEncode", "widgets_values": ["x"]},
        {"id": 8, "type": "P", "mode": 4, "inputs": [{"name": "in", "link": 1}]},
        {"id": 3, "type": "KSampler", "inputs": [{"name": "positive", "link": 2}]}]);
    let subgraph = json!({"id": "P", "nodes": [{"id": 30, "type": "VAEDecode"}], "links": [],
        "inputs": [{"name": "in", "type": "CONDITIONING"}], "outputs": [{"name": "out", "type": "CONDITIONING"}]});
    let made = prompt(&file(nodes, json!([[1, 1, 0, 8, 0, "*"], [2, 8, 0, 3, 0, "*"]]), json!([subgraph])));
    assert_eq!(made["3"]["inputs"]["positive"], json!(["1", 0]));
    assert_eq!(made.as_object().unwrap().len(), 2);
}

#[test]
fn a_subgraph_that_holds_itself_is_refused() {
    let subgraph = json!({"id": "R", "name": "Ring", "nodes": [{"id": 1, "type": "R"}], "links": []});
    let error = try_convert(&file(json!([{"id": 1, "type": "R"}]), json!([]), json!([subgraph])), &definitions());
    assert!(matches!(error, Err(ConvertError::RecursiveSubgraph { subgraph, .. }) if subgraph == "Ring"));
}

#[test]
fn an_input_that_is_wired_straight_to_an_output_is_refused() {
    let subgraph = json!({"id": "S", "nodes": [], "inputs": [{"name": "in", "type": "*", "linkIds": [1]}],
        "outputs": [{"name": "out", "type": "*", "linkIds": [1]}],
        "links": [{"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": -20, "target_slot": 0}]});
    let nodes =
        json!([{"id": 8, "type": "S"}, {"id": 3, "type": "KSampler", "inputs": [{"name": "model", "link": 1}]}]);
    let error =
        try_convert(&file(nodes, json!([[1, 8, 0, 3, 0, "*"]]), json!([subgraph])), &definitions()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node 8 (S): its output out is linked straight to one of its own inputs, which ComfyUI cannot run"
    );
}

#[test]
fn nodes_and_depth_are_bounded() {
    // Each holds the next one twice: 2 to the power of 40 nodes.
    let doubling = |levels: usize, times: usize| {
        let subgraphs: Vec<Value> = (0..levels)
            .map(|level| {
                let inner = if level + 1 == levels { "VAEDecode".to_owned() } else { format!("L{}", level + 1) };
                let nodes: Vec<Value> = (0..times).map(|id| json!({"id": 100 + id, "type": inner})).collect();
                json!({"id": format!("L{level}"), "nodes": nodes, "links": []})
            })
            .collect();
        try_convert(&file(json!([{"id": 1, "type": "L0"}]), json!([]), Value::from(subgraphs)), &definitions())
    };
    assert!(matches!(doubling(40, 2), Err(ConvertError::TooManyNodes { .. })));
    assert!(matches!(doubling(5_000, 1), Err(ConvertError::TooDeep { .. })));
    assert_eq!(doubling(40, 1).unwrap().prompt.nodes().len(), 1);
}
