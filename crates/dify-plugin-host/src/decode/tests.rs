use std::path::PathBuf;

use serde_json::json;

use super::*;

fn drive(result: Value) -> Result<Payload, CallFailure> {
    payload(&Action::BrowseFiles, &json!({ "result": result }).to_string())
}

fn tool(message: Value) -> Result<Payload, CallFailure> {
    payload(&Action::InvokeTool, &message.to_string())
}

#[test]
fn null_is_a_zero_value_to_the_daemon_but_no_list_to_dify() {
    let page = drive(json!([{"files": [{"id": "a", "name": "a", "size": null, "type": "file"}]}])).unwrap();
    let Payload::Result(ActionResult::Browse(page)) = page else { panic!("{page:?}") };
    assert_eq!(page.result[0].files[0].size, 0);
    assert!(!page.result[0].is_truncated);
    assert!(matches!(drive(json!([{"files": null}])), Err(CallFailure::DifyRefuses { .. })));
    assert!(matches!(drive(json!(null)), Err(CallFailure::DaemonRefuses { .. })));
    assert!(matches!(
        payload(&Action::FetchParameterOptions, r#"{"options":null}"#),
        Err(CallFailure::DifyRefuses { .. })
    ));
}

#[test]
fn sizes_are_integer_literals() {
    for size in ["1.0", "1e3", "\"1\""] {
        let text = format!(r#"{{"result":[{{"files":[{{"id":"a","name":"a","size":{size},"type":"file"}}]}}]}}"#);
        let refused = payload(&Action::BrowseFiles, &text).unwrap_err();
        assert!(matches!(refused, CallFailure::DaemonRefuses { .. }), "{refused}");
        assert!(refused.to_string().contains("result.0.files.0.size"), "{refused}");
    }
}

#[test]
fn more_to_come_needs_a_way_to_it() {
    for next in [json!(null), json!({})] {
        let page = drive(json!([{"bucket": "b", "files": [], "is_truncated": true, "next_page_parameters": next}]));
        assert_eq!(page, Err(CallFailure::TruncatedWithoutNextPage { bucket: Some("b".into()) }));
    }
    assert!(drive(json!([{"files": [], "is_truncated": true, "next_page_parameters": {"n": 1}}])).is_ok());
}

#[test]
fn validation_must_be_true() {
    for payload_ in ["{}", r#"{"result":false}"#, r#"{"result":null}"#] {
        assert_eq!(payload(&Action::ValidateToolCredentials, payload_), Err(CallFailure::ValidationFalse));
    }
    assert!(payload(&Action::ValidateToolCredentials, r#"{"result":true}"#).is_ok());
}

#[test]
fn variables_have_names_and_values_that_dify_takes() {
    let variable = |name: &str, value: Value, stream: bool| {
        tool(json!({"type": "variable", "message": {"variable_name": name, "variable_value": value, "stream": stream}}))
    };
    for name in ["text", "json", "files"] {
        assert_eq!(variable(name, json!(1), false), Err(CallFailure::ReservedVariable { name: name.into() }));
    }
    assert_eq!(variable("v", json!(1), true), Err(CallFailure::StreamedVariableNotText { name: "v".into() }));
    assert!(variable("v", json!("t"), true).is_ok());
    assert!(variable("v", json!({"a": 1}), false).is_ok());
}

#[test]
fn what_the_daemon_passes_dify_may_refuse() {
    for message in [
        json!({"type": "text"}),
        json!({"type": "text", "message": {"text": 1}}),
        json!({"type": "json", "message": {"json_object": "text"}}),
        json!({"type": "log", "message": {"id": "x"}}),
    ] {
        let refused = tool(message).unwrap_err();
        assert!(matches!(refused, CallFailure::DifyRefuses { .. }), "{refused}");
    }
}

/// A line of a verdict file, and the file; none when the recorded verdicts are not there.
fn recorded(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dify-vectors/daemon").join(name);
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        println!("skipped: ../shared is not here");
    }
    text
}

#[test]
fn verdicts_on_payloads_are_the_daemons_own() {
    let Some(verdicts) = recorded("decode_verdicts.tsv") else { return };
    let mut compared = 0;
    for line in verdicts.lines() {
        let mut columns = line.split('\t');
        let (Some(action), Some(data), Some(verdict)) = (columns.next(), columns.next(), columns.next()) else {
            panic!("{line}")
        };
        let ours = if action == "error" {
            error(data).map(drop)
        } else {
            daemon_accepts(action, &serde_json::from_str(data).unwrap())
        };
        assert_eq!(ours.is_ok(), verdict == "<nil>", "{line}\nours: {ours:?}");
        compared += 1;
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn verdicts_on_lines_are_the_daemons_own() {
    let Some(verdicts) = recorded("stdio_verdicts.jsonl") else { return };
    let mut compared = 0;
    for line in verdicts.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let (Some(kind), Some(data)) = (line.get("type").and_then(Value::as_str), line.get("data")) else { continue };
        let refused = line.get("daemon_decode_error").is_some();
        let ours = match kind {
            "stream" => daemon_accepts("invoke_tool", data),
            "error" => error(&data.to_string()).map(drop),
            _ => continue,
        };
        assert_eq!(ours.is_err(), refused, "{line}\nours: {ours:?}");
        compared += 1;
    }
    assert!(compared >= 20, "{compared}");
}
