use std::collections::HashMap;

use serde_json::{Map, Value};

/// `lines` of a plugin without what is different each time, or without meaning:
///
/// * ids of files, log steps and calls back become `<1>`, `<2>`, … in the order of appearance;
/// * `traceback` and `description` in the `args` of an error are left out: ours has neither, since users read them;
/// * the text of a `ValidationError` and of an `error` event is the words of a library: `<text>`;
/// * lines of different sessions may mix in any way: they are sorted by session, in their order within each.
#[must_use]
pub fn normal_form(lines: &[Value]) -> Vec<Value> {
    let mut ids = HashMap::new();
    let mut lines: Vec<Value> = lines.iter().map(|line| normal_line(line.clone(), &mut ids)).collect();
    lines.sort_by_key(|line| line["session_id"].as_str().unwrap_or_default().to_owned());
    lines
}

fn normal_line(mut line: Value, ids: &mut HashMap<String, String>) -> Value {
    if !line.is_object() {
        return line;
    }
    if line["event"] == "error" {
        replace(&mut line["data"], "error", |_| Value::from("<text>"));
        return line;
    }
    let kind = line["data"]["type"].as_str().unwrap_or_default().to_owned();
    let Some(payload) = line.pointer_mut("/data/data") else { return line };
    match kind.as_str() {
        "invoke" => replace(payload, "backwards_request_id", |id| number(id, ids)),
        "error" => {
            let is_validation = payload["error_type"] == "ValidationError";
            if is_validation {
                replace(payload, "message", |_| Value::from("<text>"));
            }
            if let Some(args) = payload["args"].as_object_mut() {
                args.remove("traceback");
                args.remove("description");
            }
        }
        "stream" if payload["type"] == "blob_chunk" || payload["type"] == "log" => {
            replace(&mut payload["message"], "id", |id| number(id, ids));
            replace(&mut payload["message"], "parent_id", |id| number(id, ids));
        }
        _ => {}
    }
    line
}

fn replace(object: &mut Value, key: &str, with: impl FnOnce(&Value) -> Value) {
    if let Some(value) = object.as_object_mut().and_then(|object: &mut Map<String, Value>| object.get_mut(key)) {
        *value = with(value);
    }
}

fn number(id: &Value, ids: &mut HashMap<String, String>) -> Value {
    let Some(id) = id.as_str() else { return id.clone() };
    let next = format!("<{}>", ids.len() + 1);
    Value::from(ids.entry(id.to_owned()).or_insert(next).as_str())
}
