//! Frames of ComfyUI's WebSocket, each by itself and as the course of a run.

use bytes::Bytes;
use comfyui::{Event, Run, Workflow};

use super::reader;

const WORKFLOW: &str =
    r#"{"1": {"class_type": "A", "inputs": {}}, "2": {"class_type": "B", "inputs": {"b": ["1", 0]}}}"#;

pub(super) fn run(bytes: &[u8]) {
    let (reader, rest) = reader(bytes);
    match reader {
        0 => drop(text(rest)),
        1 => binary(rest),
        _ => course(rest),
    }
}

fn text(frame: &[u8]) -> Option<Event> {
    let event = Event::from_text(std::str::from_utf8(frame).ok()?);
    match &event {
        Ok(Event::Executed { outputs, .. }) => super::comfyui_answers::check_outputs(outputs),
        Ok(Event::ExecutionError { failure, .. }) => super::assert_shown_as_it_is(&failure.to_string()),
        Ok(Event::Other { kind }) => super::assert_shown_as_it_is(kind),
        Err(error) => super::assert_shown_as_it_is(&error.to_string()),
        Ok(_) => {}
    }
    event.ok()
}

fn binary(frame: &[u8]) {
    match Event::from_binary(Bytes::copy_from_slice(frame)) {
        Ok(Event::Preview { image, .. }) => assert!(frame.ends_with(&image), "an image that is not of the frame"),
        // A byte that is no UTF-8 becomes three.
        Ok(Event::NodeText { node, text }) => assert!(node.len() <= 3 << 16 && text.len() <= 3 << 16),
        _ => {}
    }
}

/// One frame a line.
fn course(bytes: &[u8]) {
    let workflow = Workflow::parse(WORKFLOW).expect("a workflow");
    let mut run = Run::new("p", &workflow);
    run.submitted("p");
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(event) = text(line) {
            let _ = run.apply(event);
            assert!(run.ending().is_none(), "a frame ended a run");
        }
    }
    assert!(run.blocked_branches().len() <= bytes.len());
    if let Some(record) = run.success_as_heard() {
        super::comfyui_answers::check_outputs(&record.outputs);
    }
}
