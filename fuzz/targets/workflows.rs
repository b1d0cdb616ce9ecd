//! Workflows in API format that users paste, and what is done to them before they run.

use comfyui::{FileKind, NodeClass, NodeClasses, Workflow};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let workflow = match Workflow::parse(text) {
        Ok(workflow) => workflow,
        Err(error) => {
            super::assert_shown_as_it_is(&error.to_string());
            assert!(error.to_string().chars().count() <= 1000);
            return;
        }
    };
    reads_what_it_writes(&workflow);
    edit(workflow);
}

/// It is the same workflow after a way through its JSON.
pub(super) fn reads_what_it_writes(workflow: &Workflow) {
    let json = serde_json::to_string(workflow).expect("a workflow is JSON");
    let again = Workflow::parse(&json).expect("its own JSON");
    let values = |workflow: &Workflow| serde_json::to_value(workflow).expect("a workflow is JSON");
    assert!(are_equal(&values(&again), &values(workflow)), "{json}");
    assert!(again.nodes().keys().eq(workflow.nodes().keys()), "the nodes changed places");
}

/// But for the last bit of a floating-point number, which the JSON library may lose.
fn are_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            (a - b).abs() <= a.abs() * f64::EPSILON
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| are_equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && are_equal(a, b))
        }
        _ => a == b,
    }
}

fn edit(mut workflow: Workflow) {
    let before = workflow.clone();
    let classes: NodeClasses =
        [("A".to_owned(), NodeClass::read(&class())), ("KSampler".to_owned(), NodeClass::read(&class()))]
            .into_iter()
            .collect();
    for (id, node) in before.nodes() {
        if id.trim() == id {
            assert_eq!(before.find_node(id).expect("an id that is there"), id);
        }
        for (name, value) in &node.inputs {
            let Ok(place) = before.find_place(&format!("{id}.{name}")) else { continue };
            // White space around a name in a key does not count, so another input may be meant.
            let is_this = place.node_id == *id && place.input == *name;
            if before.check_place(&place, &classes).is_ok() && is_this {
                workflow.set_input(&place, value.clone());
            }
        }
    }
    assert_eq!(workflow, before, "values that were there before changed something");

    let seeds = workflow.seed_inputs(&classes);
    let drawn = workflow.draw_seeds(&classes, &[], &mut SmallRng::seed_from_u64(1));
    assert_eq!(drawn.len(), seeds.len());
    assert_eq!(workflow.seed_inputs(&classes), seeds, "a seed is no seed any more");
    let _ = workflow.set_seeds(7, &classes, &[]);

    let images = workflow.image_nodes().len();
    assert!(workflow.set_images(&vec!["a.png"; images]).is_ok());
    assert!(workflow.set_images(&vec!["a.png"; images + 1]).is_err());
    let places = workflow.place_files(&[FileKind::Image], &[], &classes);
    assert_eq!(
        places.is_ok(),
        workflow.file_inputs(&classes).iter().any(|input| input.takes.may_take(FileKind::Image))
    );

    // No link was made or lost.
    let links = |workflow: &Workflow| -> Vec<Value> {
        let values = workflow.nodes().values().flat_map(|node| node.inputs.values());
        values.filter(|value| value.is_array()).cloned().collect()
    };
    assert_eq!(links(&workflow), links(&before));
    assert_eq!(workflow.nodes().len(), before.nodes().len());
    reads_what_it_writes(&workflow);
}

fn class() -> Value {
    json!({"input": {"required": {
        "seed": ["INT", {"min": 0, "max": 1_000_000, "control_after_generate": true}],
        "image": [["a.png"], {"image_upload": true}],
        "text": ["STRING", {"multiline": true}],
    }}})
}
