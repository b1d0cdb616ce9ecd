//! The layouts of new nodes beside those of the editor, for all classes of a recorded server. Looked for in
//! `../shared/workflow-oracle`, beside the repository.

#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::class_extras;
use super::layout::layout;
use super::saved_values::SavedValues;
use crate::NodeDefinitions;

/// As JavaScript has it: `8.0` is `8`.
fn as_javascript(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(values) => values.iter().map(as_javascript).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), as_javascript(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_class_is_laid_out_as_the_editor_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/workflow-oracle");
    if !folder.join("widget_layout.json").exists() {
        println!("skipped: no recordings at {}", folder.display());
        return;
    }
    let definitions = NodeDefinitions::from_json(&fs::read(folder.join("object_info.json")).unwrap()).unwrap();
    let recorded: Value = serde_json::from_slice(&fs::read(folder.join("widget_layout.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (class, recorded) in recorded.as_object().unwrap() {
        // The editor's own nodes have no declaration.
        let Some(definition) = definitions.get(class) else { continue };
        let made = layout(class, definition, &mut SavedValues::Defaults, &[]);
        let widgets: Vec<Value> = made
            .widgets
            .iter()
            .map(|widget| {
                let default = widget.value.as_ref().map_or(json!({"__undefined__": true}), as_javascript);
                json!([widget.name, default, widget.is_emitted, widget.has_place])
            })
            .collect();
        let theirs = recorded["widgets"].as_array().unwrap();
        let theirs: Vec<Value> = theirs
            .iter()
            .map(|it| json!([it["name"], as_javascript(&it["default"]), it["in_prompt"], it["in_workflow"]]))
            .collect();
        if widgets != theirs {
            wrong.push(format!("{class}:\n   {widgets:?}\n   {theirs:?}"));
        }
        let slots: Vec<Value> = made
            .slots
            .iter()
            .map(|slot| json!([slot.name, slot.kind, slot.widget.map(|widget| &made.widgets[widget].name)]))
            .collect();
        let theirs = recorded["inputs"].as_array().unwrap();
        let theirs: Vec<Value> = theirs.iter().map(|it| json!([it["name"], it["type"], it["widget"]])).collect();
        if slots != theirs {
            wrong.push(format!("{class}:\n   {slots:?}\n   {theirs:?}"));
        }
        for (widget, theirs) in made.widgets.iter().zip(recorded["widgets"].as_array().unwrap()) {
            // The editor's texts have a way of their own into a prompt for these two reasons.
            let is_template = widget.name == "filename_prefix" && class_extras::has_filename_template(class);
            let is_text = matches!(theirs["type"].as_str(), Some("text" | "customtext"));
            if is_text && theirs["has_serializeValue"] != (is_template || widget.has_dynamic_prompts()) {
                wrong.push(format!("{class}.{}: {theirs}", widget.name));
            }
        }
        let title = class_extras::title(class, definition);
        if Some(title) != recorded["title"].as_str() {
            wrong.push(format!("{class}: {title}, {}", recorded["title"]));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), definitions.len(), wrong.join("\n"));
}
