//! Workflows of the editor, converted, beside what the editor itself made of them.
//!
//! The recordings are looked for in `../shared/workflow-oracle`, beside the repository.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use comfyui::{ConvertOptions, NodeDefinitions, UiWorkflow, convert};
use serde_json::Value;

/// Cases that are known not to be equal: `<case> TAB <how> TAB <why>`.
const DIFFERENCES: &str = include_str!("workflow_oracle_differences.tsv");

fn recordings() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/workflow-oracle");
    let found = folder.join("index.json").exists();
    if !found {
        println!("skipped: no recordings at {}", folder.display());
    }
    found.then_some(folder)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Numbers as JavaScript has them.
fn as_javascript(value: &Value) -> Value {
    match value {
        Value::Number(number) => serde_json::json!(number.as_f64().unwrap()),
        Value::Array(values) => values.iter().map(as_javascript).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), as_javascript(value))).collect())
        }
        other => other.clone(),
    }
}

/// The first few differences of two prompts.
fn differences(ours: &Value, theirs: &Value, case: &Value) -> Vec<String> {
    let (mut ours, mut theirs) = (as_javascript(ours), as_javascript(theirs));
    for ignored in case["ignore_inputs"].as_array().into_iter().flatten() {
        for prompt in [&mut ours, &mut theirs] {
            let inputs = prompt[ignored[0].as_str().unwrap()]["inputs"].as_object_mut().unwrap();
            inputs.remove(ignored[1].as_str().unwrap());
        }
    }
    // The editor leaves the class out where it does not know it; we do not.
    for id in case["api_without_class_type"].as_array().into_iter().flatten() {
        if let Some(node) = ours[id.as_str().unwrap()].as_object_mut() {
            node.remove("class_type");
        }
    }
    for prompt in [&mut ours, &mut theirs] {
        for node in prompt.as_object_mut().unwrap().values_mut() {
            let title = node["_meta"]["title"].clone();
            node.as_object_mut().unwrap().insert("_meta".to_owned(), title);
        }
    }
    let mut found = Vec::new();
    compare("", &ours, &theirs, &mut found);
    found
}

fn compare(place: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        let keys: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            let place = format!("{place}/{key}");
            match (ours.get(key), theirs.get(key)) {
                (Some(ours), Some(theirs)) => compare(&place, ours, theirs, found),
                (ours, theirs) => found.push(format!("{place}: ours {ours:?}, theirs {theirs:?}")),
            }
        }
    } else if ours != theirs {
        found.push(format!("{place}: ours {ours}, theirs {theirs}"));
    }
}

#[test]
fn every_recorded_workflow_becomes_what_the_editor_made_of_it() {
    let Some(folder) = recordings() else { return };
    let definitions = NodeDefinitions::from_json(&fs::read(folder.join("object_info.json")).unwrap()).unwrap();
    let mut listed: BTreeMap<&str, (&str, &str)> = DIFFERENCES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let parts: Vec<_> = line.split('\t').collect();
            (parts[0], (parts[1], parts[2]))
        })
        .collect();
    let (mut wrong, mut equal, mut on_the_list) = (Vec::new(), 0, 0);
    for case in read(&folder.join("index.json")).as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let folder = folder.join("cases").join(name);
        let text = fs::read_to_string(folder.join("workflow.json")).unwrap();
        let converted = UiWorkflow::parse(&text)
            .map_err(|error| error.to_string())
            .and_then(|workflow| {
                convert(&workflow, &definitions, &ConvertOptions::default()).map_err(|error| error.to_string())
            })
            .map(|conversion| serde_json::to_value(conversion.prompt).unwrap());
        let expected = folder.join("api.json").exists().then(|| read(&folder.join("api.json")));
        let outcome = match (&converted, &expected) {
            (Ok(ours), Some(theirs)) => {
                let found = differences(ours, theirs, case);
                if found.is_empty() { "equal".to_owned() } else { format!("differs: {}", found.join("; ")) }
            }
            (Err(error), Some(_)) => format!("refused: {error}"),
            (Err(error), None) => format!("both-refuse: {error}"),
            (Ok(_), None) => "editor-refuses: ours converts".to_owned(),
        };
        match listed.remove(name) {
            None if outcome == "equal" => equal += 1,
            Some((how, _)) if outcome.starts_with(&format!("{how}: ")) => on_the_list += 1,
            Some((how, why)) => wrong.push(format!("{name} is listed as {how} ({why}), and is {outcome}")),
            None => wrong.push(format!("{name} {outcome}")),
        }
    }
    wrong.extend(listed.keys().map(|name| format!("{name} is listed, and there is no such case")));
    println!("{equal} equal, {on_the_list} on the list of differences, {} not as they should be", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
