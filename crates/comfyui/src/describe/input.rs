use serde::Serialize;
use serde_json::Value;

use crate::error::one_line;
use crate::{InputType, NodeClasses, Workflow};

/// The most choices that are listed of one input.
const MAX_CHOICES: usize = 20;
/// The most characters of a value.
const MAX_VALUE_CHARS: usize = 300;

/// A value of a workflow that can be set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputDescription {
    /// What a value is given by: node id, dot and input, `6.text`. The title may stand for the id where no other node
    /// has it.
    pub key: String,
    /// The node's title, where it has one.
    pub title: Option<String>,
    /// The node's class.
    pub class_type: String,
    /// `integer`, `number`, `text`, `boolean`, `choice`, or the server's own word.
    pub r#type: String,
    /// The range, such as `1 to 10000`, where there is one.
    pub range: Option<String>,
    /// The first choices.
    pub choices: Vec<Value>,
    /// How many more there are.
    pub more_choices: usize,
    /// What stands there now; a long text is cut.
    pub value: Value,
}

/// The first literal values of the nodes, but for those that name uploaded files.
pub(super) fn inputs_of(workflow: &Workflow, classes: &NodeClasses, most: usize) -> Vec<InputDescription> {
    let mut inputs = Vec::new();
    for (id, node) in workflow.nodes() {
        for (name, value) in &node.inputs {
            if inputs.len() >= most {
                return inputs;
            }
            if value.is_array() {
                continue;
            }
            let declared = classes.input(&node.class_type, name);
            // Files have a list of their own.
            if declared.is_some_and(|declared| declared.upload.is_some()) {
                continue;
            }
            let (kind, range, choices) = match declared.map(|declared| &declared.kind) {
                Some(InputType::Int { min, max }) => ("integer", range(*min, *max), &[][..]),
                Some(InputType::Float { min, max }) => ("number", range(*min, *max), &[][..]),
                Some(InputType::Text) => ("text", None, &[][..]),
                Some(InputType::Boolean) => ("boolean", None, &[][..]),
                Some(InputType::Choice(choices)) => ("choice", None, choices.as_deref().unwrap_or_default()),
                Some(InputType::Other(name)) => (name.as_str(), None, &[][..]),
                None => (kind_of(value), None, &[][..]),
            };
            inputs.push(InputDescription {
                key: format!("{id}.{name}"),
                title: node.title().map(|title| one_line(title, 80)),
                class_type: one_line(&node.class_type, 100),
                r#type: kind.to_owned(),
                range,
                choices: choices.iter().take(MAX_CHOICES).map(cut).collect(),
                more_choices: choices.len().saturating_sub(MAX_CHOICES),
                value: cut(value),
            });
        }
    }
    inputs
}

fn range<T: ToString>(min: Option<T>, max: Option<T>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{} to {}", min.to_string(), max.to_string())),
        (Some(min), None) => Some(format!("{} or more", min.to_string())),
        (None, Some(max)) => Some(format!("{} or less", max.to_string())),
        (None, None) => None,
    }
}

/// Integers of more than 53 bits as text: numbers may cross a workflow engine as doubles.
fn cut(value: &Value) -> Value {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::String(text) if text.chars().nth(MAX_VALUE_CHARS).is_some() => {
            let start: String = text.chars().take(MAX_VALUE_CHARS).collect();
            Value::from(format!("{start}…"))
        }
        Value::Number(number) if number.as_u64().is_some_and(|number| number > EXACT) => {
            Value::from(number.to_string())
        }
        Value::Object(_) | Value::Array(_) => Value::from(one_line(&value.to_string(), MAX_VALUE_CHARS)),
        value => value.clone(),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Bool(_) => "boolean",
        Value::Null | Value::Array(_) | Value::Object(_) => "value",
    }
}
