//! When two things say the same: same fields, same JSON types, same values unless they cannot be
//! known, such as times and ids.

use std::collections::HashMap;

use serde_json::Value;

/// Values of these fields are compared by type only.
const VOLATILE: [&str; 25] = [
    "timestamp",
    "create_time",
    "execution_start_time",
    "execution_end_time",
    "ram_total",
    "ram_free",
    "vram_total",
    "vram_free",
    "torch_vram_total",
    "torch_vram_free",
    "python_version",
    "pytorch_version",
    "required_frontend_version",
    "installed_templates_version",
    "required_templates_version",
    "deploy_environment",
    // The recorded server had run before.
    "number",
    "priority",
    // Texts of the real server are not taken over.
    "description",
    "comfy_package_versions",
    "argv",
    "traceback",
    "total",
    "modified",
    "created",
];

/// These lists come from Python sets.
const UNORDERED: [&str; 4] = ["executed", "current_outputs", "dependent_outputs", "errors"];

/// These fields only exist on the real server.
const LEFT_OUT: [&str; 2] = ["tooltip", "output_tooltips"];

/// What the recorded ids are called now.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    now: HashMap<String, String>,
}

impl Names {
    /// Learns from two values that ought to be the same which id stands for which.
    pub(crate) fn learn(&mut self, recorded: &Value, actual: &Value) {
        match (recorded, actual) {
            (Value::String(recorded), Value::String(actual))
                if is_id(recorded) && is_id(actual) && recorded != actual =>
            {
                self.now.insert(recorded.clone(), actual.clone());
            }
            (Value::Object(recorded), Value::Object(actual)) => {
                for (key, value) in recorded {
                    if let Some(other) = actual.get(key) {
                        self.learn(value, other);
                    }
                }
            }
            _ => {}
        }
    }

    /// The text with today's ids.
    pub(crate) fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, actual) in &self.now {
            text = text.replace(recorded, actual);
        }
        text
    }
}

/// Also with a name in front of it, as users have it.
fn is_id(text: &str) -> bool {
    let text = text.rsplit('_').next().unwrap_or(text);
    let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    hexadecimal && (text.len() == 36 || text.len() == 32)
}

/// What is different between a recorded JSON and today's.
pub(crate) fn compare_json(recorded: &str, actual: &str, names: &Names) -> Vec<String> {
    let recorded: Value = match serde_json::from_str(&names.translate(recorded)) {
        Ok(recorded) => recorded,
        Err(error) => return vec![format!("the recording is no JSON: {error}")],
    };
    match serde_json::from_str::<Value>(actual) {
        Ok(actual) => {
            let mut differences = Vec::new();
            let (recorded, actual) = (normalise("", &recorded), normalise("", &actual));
            compare("$", &recorded, &actual, &mut differences);
            differences
        }
        Err(error) => vec![format!("no JSON but {actual:?}: {error}")],
    }
}

fn compare(path: &str, recorded: &Value, actual: &Value, differences: &mut Vec<String>) {
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => {
            for (key, value) in recorded {
                match actual.get(key) {
                    Some(other) => compare(&format!("{path}.{key}"), value, other, differences),
                    None => differences.push(format!("{path}.{key} is missing, was {value}")),
                }
            }
            for key in actual.keys().filter(|key| !recorded.contains_key(*key)) {
                differences.push(format!("{path}.{key} is new"));
            }
        }
        (Value::Array(recorded), Value::Array(actual)) if recorded.len() == actual.len() => {
            for (index, (value, other)) in recorded.iter().zip(actual).enumerate() {
                compare(&format!("{path}[{index}]"), value, other, differences);
            }
        }
        (recorded, actual) if recorded == actual => {}
        (recorded, actual) => {
            differences.push(format!("{path} is {actual}, was {recorded}"));
        }
    }
}

fn normalise(key: &str, value: &Value) -> Value {
    if VOLATILE.contains(&key) {
        return Value::from(type_name(value));
    }
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !LEFT_OUT.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), normalise(key, value)))
            .collect(),
        Value::Array(items) => {
            let is_queue_item = is_queue_item(items);
            let mut items: Vec<Value> = items.iter().map(|item| normalise("", item)).collect();
            if is_queue_item {
                items[0] = Value::from("the number");
                sort(items[4].as_array_mut().unwrap());
            }
            if UNORDERED.contains(&key) {
                sort(&mut items);
            }
            Value::Array(items)
        }
        Value::String(text) if key == "exception_message" => {
            // Later lines name folders of the recorded machine.
            let ends_in_line_feed = text.ends_with('\n');
            let first = text.lines().next().unwrap_or_default();
            Value::from(format!("{first} {ends_in_line_feed}"))
        }
        Value::String(text) => Value::from(without_counters(text)),
        other => other.clone(),
    }
}

/// `[number, prompt_id, prompt, extra_data, outputs_to_execute]`.
fn is_queue_item(items: &[Value]) -> bool {
    items.len() == 5 && items[0].is_number() && items[1].is_string() && items[4].is_array()
}

fn sort(items: &mut [Value]) {
    items.sort_by_key(Value::to_string);
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a float",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// `simple_00003_.png` and `ComfyUI_temp_xfpsm_00001_.png` without what a server counts or draws.
pub(crate) fn without_counters(text: &str) -> String {
    let mut parts: Vec<String> = text.split('_').map(str::to_owned).collect();
    for index in 0..parts.len() {
        let digits = parts[index].len() == 5 && parts[index].bytes().all(|b| b.is_ascii_digit());
        if digits {
            parts[index] = "N".to_owned();
            if index >= 2 && parts[index - 2] == "temp" {
                parts[index - 1] = "letters".to_owned();
            }
        }
    }
    parts.join("_")
}
