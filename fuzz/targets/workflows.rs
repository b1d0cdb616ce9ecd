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
    assert_eq!(&again, workflow);
    assert!(again.nodes().keys().eq(workflow.nodes().keys()), "the nodes changed places");
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
