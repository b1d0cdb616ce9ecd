use comfyui::{CarriedWorkflow, CarriedWorkflowError, Carrier};

use crate::files::read;

fn carried(json: &str) -> CarriedWorkflow {
    let carried = read(json.as_bytes(), 10).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert_eq!(carried.carrier, Carrier::Json);
    carried
}

#[test]
fn both_formats_and_the_body_of_a_request_are_told_apart() {
    let workflow = r#"{"nodes": [], "links": []}"#;
    let prompt = r#"{"3": {"class_type": "EmptyImage", "inputs": {}, "is_changed": [NaN]}}"#;
    assert_eq!(carried(workflow).workflow.as_deref(), Some(workflow));
    assert_eq!(carried(prompt).prompt.as_deref(), Some(prompt));
    assert_eq!(carried(&format!("\u{feff}\n {prompt}\n")).prompt.as_deref(), Some(prompt));

    let body = carried(
        r#"{"client_id": "x", "prompt": {"1": {"class_type": "A"}},
            "extra_data": {"extra_pnginfo": {"workflow": {"nodes": [1]}}}}"#,
    );
    assert_eq!(body.prompt.as_deref(), Some(r#"{"1": {"class_type": "A"}}"#));
    assert_eq!(body.workflow.as_deref(), Some(r#"{"nodes": [1]}"#));
    let texts = carried(r#"{"prompt": {"1": {"class_type": "A"}}, "workflow": {"nodes": []}}"#);
    assert!(texts.prompt.is_some() && texts.workflow.is_some());
}

#[test]
fn other_json_is_told() {
    for (json, is_json) in [("{\"a\": 1}", true), ("{}", true), ("{\"nodes\": 3}", true), ("{\"nodes\": [", false)] {
        let error = read(json.as_bytes(), 3).unwrap_err();
        assert_eq!(error, CarriedWorkflowError::NoWorkflow { is_json }, "{json}");
    }
    assert_eq!(read(b"just a text", 3), Err(CarriedWorkflowError::Unrecognised));
    assert_eq!(read(b"", 3), Err(CarriedWorkflowError::Empty));
}
