//! Bodies of ComfyUI's answers, and those of whatever stands in front of it.

use comfyui::fuzzing::{excerpt, history, python_json, queue, rejection};
use comfyui::{NodeClass, NodeClasses, NodeDefinitionReader, NodeDefinitions, Outputs, Verdict, Workflow};
use serde_json::Value;

use super::{assert_shown_as_it_is, reader};

const WORKFLOW: &str = r#"{"1": {"class_type": "A", "inputs": {"a": 1}}, "2": {"class_type": "B", "inputs": {"b": ["1", 0]},
    "_meta": {"title": "T"}}}"#;

pub(super) fn run(bytes: &[u8]) {
    let (reader, body) = reader(bytes);
    match reader {
        0 => records(body),
        1 => drop(queue(body).map(|queue| queue.ahead_of("p"))),
        2 => classes(body),
        3 => refusal(body),
        _ => words(body),
    }
}

fn records(body: &[u8]) {
    let Ok((records, traceback)) = history(body) else { return };
    // In characters; at most four bytes each.
    assert!(traceback <= 80_000, "a traceback of {traceback} bytes");
    for record in records {
        check_outputs(&record.outputs);
        if let Verdict::Failed(failure) = &record.verdict {
            assert_shown_as_it_is(&failure.to_string());
        }
        if let Some(workflow) = record.workflow {
            super::workflows::reads_what_it_writes(&workflow);
        }
    }
}

/// Names are names: no folder is in them.
pub(super) fn check_outputs(outputs: &Outputs) {
    assert!(outputs.files.len() <= 10_000 && outputs.texts.len() <= 10_000);
    for file in &outputs.files {
        assert!(!file.filename.contains('/'), "{file}");
        let _ = file.media_type();
    }
    assert!(outputs.files.is_sorted_by(|a, b| comfyui::compare_node_ids(&a.node_id, &b.node_id).is_le()));
}

fn classes(body: &[u8]) {
    let once = NodeDefinitions::from_json(body);
    let mut reader = NodeDefinitionReader::new();
    let pieces = body.chunks(7).try_for_each(|piece| reader.push(piece)).and_then(|()| reader.finish());
    assert_eq!(pieces.ok().as_ref(), once.as_ref().ok());
    if let Ok(definitions) = &once {
        let mut twice = definitions.clone();
        twice.add(NodeDefinitions::from_json(body).expect("it was read before"));
        assert_eq!(&twice, definitions);
    }
    let Ok(Value::Object(info)) = python_json(body) else { return };
    let classes: NodeClasses = info.iter().map(|(name, entry)| (name.clone(), NodeClass::read(entry))).collect();
    for class in info.keys() {
        for input in classes.get(class).into_iter().flat_map(|class| class.inputs().values()) {
            for value in
                [Value::from(0), Value::from(u64::MAX), Value::from(-1.5), Value::from("1e3"), Value::from(true)]
            {
                if let Ok(taken) = input.accept(value) {
                    // What was taken once is taken as it is.
                    assert_eq!(input.accept(taken.clone()).expect("taken before"), taken);
                }
            }
        }
    }
}

fn refusal(body: &[u8]) {
    let workflow = Workflow::parse(WORKFLOW).expect("a workflow");
    let Ok(rejection) = rejection(body, &workflow) else { return };
    assert!(rejection.node_errors.len() <= 1000);
    assert_shown_as_it_is(&rejection.to_string());
}

fn words(body: &[u8]) {
    let excerpt = excerpt(body);
    assert!(excerpt.chars().count() <= 301, "{excerpt}");
    assert!(!excerpt.contains(['\n', '\r', '\t']), "{excerpt:?}");
    assert_shown_as_it_is(&excerpt);
    // Python's JSON is JSON, and read alike.
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        assert_eq!(python_json(body).expect("plain JSON"), value);
    }
}
