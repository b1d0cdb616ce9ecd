//! What holds for all workflows, whole and damaged.

use std::fs;
use std::path::Path;

use comfyui::{ConvertOptions, NodeDefinitions, UiWorkflow, Workflow, WorkflowFile, convert};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::editor::definitions;

/// The workflows of these tests, and the recorded ones where they are there.
fn workflows() -> (Vec<String>, NodeDefinitions) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = root.join("../../../shared/workflow-oracle");
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("tests/data/editor")).unwrap() {
        let file: Value = serde_json::from_str(&text(&entry.unwrap().path())).unwrap();
        if file["workflow"].is_object() {
            found.push(file["workflow"].to_string());
        }
    }
    let Ok(cases) = fs::read_dir(recorded.join("cases")) else { return (found, definitions()) };
    for case in cases {
        found.push(text(&case.unwrap().path().join("workflow.json")));
    }
    found.sort();
    (found, NodeDefinitions::from_json(text(&recorded.join("object_info.json")).as_bytes()).unwrap())
}

fn converted(workflow: &str, definitions: &NodeDefinitions) -> Option<Value> {
    let workflow = UiWorkflow::parse(workflow).ok()?;
    let conversion = convert(&workflow, definitions, &ConvertOptions::default()).ok()?;
    Some(serde_json::to_value(conversion.prompt).unwrap())
}

/// Every link of a prompt leads to a node of it.
fn assert_no_dangling(prompt: &Value) {
    let nodes = prompt.as_object().unwrap();
    for (id, node) in nodes {
        for (input, value) in node["inputs"].as_object().unwrap() {
            if let Some(origin) = value.as_array().and_then(|link| link[0].as_str()) {
                assert!(nodes.contains_key(origin), "{id}.{input} leads to {origin}");
            }
        }
    }
}

#[test]
fn the_order_of_nodes_and_links_in_the_file_does_not_matter() {
    let (workflows, definitions) = workflows();
    for text in workflows {
        let Some(prompt) = converted(&text, &definitions) else { continue };
        assert_no_dangling(&prompt);
        assert_eq!(converted(&text, &definitions).unwrap().to_string(), prompt.to_string(), "always the same");
        let mut turned: Value = serde_json::from_str(&text).unwrap();
        let mut ids: Vec<String> =
            turned["nodes"].as_array().unwrap().iter().map(|node| node["id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        // Of two nodes with the same id the first counts; file names take the first node of a name.
        if ids.len() < turned["nodes"].as_array().unwrap().len() || text.contains('%') {
            continue;
        }
        // Group nodes get their new ids in the order of the file.
        if turned["extra"]["groupNodes"].is_object() {
            continue;
        }
        turned["nodes"].as_array_mut().unwrap().reverse();
        if let Some(links) = turned["links"].as_array_mut() {
            links.reverse();
        }
        assert_eq!(converted(&turned.to_string(), &definitions).as_ref(), Some(&prompt));
    }
}

/// A value somewhere in the file becomes something else.
fn damage(value: &mut Value, mut at: usize, with: &Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(values) => values.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            _ => 0,
        }
    }
    at %= count(value);
    if at == 0 {
        *value = with.clone();
        return;
    }
    at -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for inner in inner {
        let size = count(inner);
        if at < size {
            return damage(inner, at, with);
        }
        at -= size;
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!("-10")),
        Just(json!(true)),
        Just(json!(1e300)),
        Just(json!(i64::MIN)),
        Just(json!(u64::MAX)),
        Just(json!("KSampler")),
        (-21_i64..70).prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files_are_refused_or_give_whole_prompts(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<usize>(), odd_value()), 1..6),
    ) {
        thread_local!(static FILES: (Vec<String>, NodeDefinitions) = workflows());
        FILES.with(|(workflows, definitions)| {
            let mut workflow: Value = serde_json::from_str(which.get::<String>(workflows)).unwrap();
            for (at, with) in &damages {
                damage(&mut workflow, *at, with);
            }
            let text = workflow.to_string();
            let _ = WorkflowFile::detect(&text);
            if let Some(prompt) = converted(&text, definitions) {
                assert_no_dangling(&prompt);
                assert_eq!(converted(&text, definitions), Some(prompt));
            }
        });
    }

    #[test]
    fn any_text_is_told_what_it_is(text in "\\PC*", json in "[\\[\\]{}\":,0-9a-z ]{0,60}") {
        let _ = WorkflowFile::detect(&text);
        let _ = WorkflowFile::detect(&json);
        let _ = NodeDefinitions::from_json(json.as_bytes());
    }

    #[test]
    fn a_prompt_passes_as_it_is(
        nodes in prop::collection::btree_map(
            "[0-9]{1,3}(:[0-9]{1,2})?",
            ("[A-Za-z]{1,8}", any::<u64>(), any::<f64>(), "\\PC{0,12}", prop::option::of("[a-z ]{1,9}")),
            1..8,
        ),
    ) {
        let mut prompt = json!({});
        for (id, (class, seed, float, text, title)) in &nodes {
            let link = nodes.keys().next().unwrap();
            prompt[id] = json!({"inputs": {"seed": seed, "float": float, "text": text, "link": [link, 0]}, "class_type": class});
            if let Some(title) = title {
                prompt[id]["_meta"] = json!({"title": title});
            }
        }
        let text = prompt.to_string();
        let Ok(WorkflowFile::Api(workflow)) = WorkflowFile::detect(&text) else { panic!("{text}") };
        prop_assert_eq!(serde_json::to_string(&workflow).unwrap(), text.clone());
        prop_assert_eq!(Workflow::parse(&text).unwrap(), workflow);
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let node = |field: &str| format!(r#"{{"nodes": [{{"id": 1, "type": "A", "{field}": {deep}}}]}}"#);
        assert!(UiWorkflow::parse(&node("widgets_values")).is_err());
        assert!(UiWorkflow::parse(&node("what nobody reads")).is_ok());
        assert!(WorkflowFile::detect(&deep).is_err());
        assert!(NodeDefinitions::from_json(format!(r#"{{"A": {deep}}}"#).as_bytes()).is_ok());
    }
    let braces = "{".repeat(200_000);
    let text = json!({"nodes": [{"id": 1, "type": "CLIPTextEncode", "widgets_values": [braces]}], "links": []});
    assert!(converted(&text.to_string(), &definitions()).is_some());
}
