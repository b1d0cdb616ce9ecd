use std::fmt;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::one_line;
use crate::{NodeLabel, Workflow};

/// The most problems that one message lists.
const MAX_LISTED: usize = 10;
/// The most nodes and problems per node that are kept of an answer.
const MAX_KEPT: usize = 1000;
/// The most options of a list that a message repeats.
const MAX_OPTIONS: usize = 20;
const MAX_VALUE_CHARS: usize = 80;
const MAX_NAME_CHARS: usize = 200;
const MAX_DETAILS_CHARS: usize = 300;

/// The server refused the whole workflow: `POST /prompt` answered 400.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// `error.type`, such as `prompt_outputs_failed_validation` or `missing_node_type`; may be empty.
    pub kind: String,
    /// `error.message`.
    pub message: String,
    /// `error.details`, often empty.
    pub details: String,
    /// What is wrong with which node, in the server's order.
    pub node_errors: Vec<NodeError>,
}

/// What is wrong with one node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeError {
    /// The node.
    pub node: NodeLabel,
    /// The output nodes that do not run because of it.
    pub dependent_outputs: Vec<String>,
    /// The problems.
    pub errors: Vec<InputError>,
}

/// One problem of a node, mostly with one of its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct InputError {
    /// `type`, such as `value_not_in_list` or `required_input_missing`.
    pub kind: String,
    /// The input's name (`extra_info.input_name`).
    pub input: Option<String>,
    /// The server's sentence.
    pub message: String,
    /// The server's details; for a list, they name every option.
    pub details: String,
    /// The value that was sent, as short JSON.
    pub received: Option<String>,
    /// What would do, in a few words: `1 to 16384`, `one of: a, b`.
    pub allowed: Option<String>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComfyUI refused the workflow: ")?;
        if self.node_errors.is_empty() {
            f.write_str(if self.message.is_empty() { "it gave no reason" } else { &self.message })?;
            if !self.details.is_empty() && self.details != self.message {
                write!(f, " ({})", self.details)?;
            }
            if self.kind == "prompt_no_outputs" {
                f.write_str(": it needs a node that saves or previews something, such as SaveImage")?;
            }
            return Ok(());
        }
        for (index, error) in self.node_errors.iter().take(MAX_LISTED).enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "; " })?;
        }
        match self.node_errors.len().checked_sub(MAX_LISTED) {
            Some(more) if more > 0 => write!(f, "; and {more} more nodes"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.node)?;
        if self.errors.is_empty() {
            return f.write_str("not valid");
        }
        for (index, error) in self.errors.iter().take(MAX_LISTED).enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { ", " })?;
        }
        match self.errors.len().checked_sub(MAX_LISTED) {
            Some(more) if more > 0 => write!(f, ", and {more} more"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.input {
            write!(f, "{input}: ")?;
        }
        f.write_str(&self.message)?;
        // With input, value and range at hand the details only repeat them.
        let said_otherwise = self.allowed.is_some() || Some(&self.details) == self.input.as_ref();
        if !self.details.is_empty() && !said_otherwise {
            write!(f, " ({})", self.details)?;
        }
        match (&self.received, &self.allowed) {
            (Some(received), Some(allowed)) => write!(f, " (received {received}, allowed {allowed})"),
            (None, Some(allowed)) => write!(f, " (allowed {allowed})"),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawRejection {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    node_errors: RawNodeErrors,
}

/// `node_errors`: an object, or, where there are none, in some servers an empty list.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum RawNodeErrors {
    Some(IndexMap<String, RawNodeError>),
    Other(serde::de::IgnoredAny),
}

impl Default for RawNodeErrors {
    fn default() -> Self {
        Self::Some(IndexMap::new())
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawNodeError {
    #[serde(default)]
    errors: Vec<RawInputError>,
    #[serde(default)]
    dependent_outputs: Vec<Value>,
    #[serde(default)]
    class_type: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RawInputError {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Value,
    #[serde(default)]
    extra_info: Value,
}

impl RawRejection {
    /// Whether the answer has what a rejection has; anything else with status 400 comes from somewhere else.
    pub(crate) fn is_one(&self) -> bool {
        self.error.is_object() || self.error.is_string()
    }

    pub(crate) fn read(self, workflow: &Workflow) -> Rejection {
        let field = |name: &str| text(self.error.get(name).unwrap_or(&Value::Null));
        let (kind, details) = (field("type"), field("details"));
        let mut node_errors = self.node_errors.read(workflow);
        if node_errors.is_empty() {
            node_errors.extend(missing_class(&kind, &details, workflow));
        }
        Rejection {
            kind,
            message: self.error.as_str().map_or_else(|| field("message"), |text| one_line(text, MAX_DETAILS_CHARS)),
            details,
            node_errors,
        }
    }
}

/// The node whose class the server does not have. It names the node by its title, or not at all; its id is in the details
/// (`Node ID '#1'`), and the class in the workflow.
fn missing_class(kind: &str, details: &str, workflow: &Workflow) -> Option<NodeError> {
    // Servers before 0.12 have the second name for it.
    if !matches!(kind, "missing_node_type" | "invalid_prompt") {
        return None;
    }
    let node = workflow.node_label(details.strip_prefix("Node ID '#")?.strip_suffix('\'')?);
    if node.class_type.is_empty() {
        return None;
    }
    let class_type = one_line(&node.class_type, MAX_NAME_CHARS);
    let message = format!("this server does not have the node class {class_type}");
    let error = InputError {
        kind: kind.to_owned(),
        input: None,
        message,
        details: "it comes with a custom node, or with a newer ComfyUI".to_owned(),
        received: None,
        allowed: None,
    };
    Some(NodeError { node, dependent_outputs: Vec::new(), errors: vec![error] })
}

impl RawNodeErrors {
    pub(crate) fn read(self, workflow: &Workflow) -> Vec<NodeError> {
        let Self::Some(errors) = self else { return Vec::new() };
        errors.into_iter().take(MAX_KEPT).map(|(id, raw)| raw.read(&id, workflow)).collect()
    }
}

impl RawNodeError {
    fn read(self, id: &str, workflow: &Workflow) -> NodeError {
        let mut node = workflow.node_label(id);
        if let Some(class_type) = self.class_type.filter(|_| node.class_type.is_empty()) {
            node.class_type = class_type;
        }
        NodeError {
            node,
            dependent_outputs: self.dependent_outputs.iter().take(MAX_KEPT).map(text).collect(),
            errors: self.errors.into_iter().take(MAX_KEPT).map(|error| error.read(workflow)).collect(),
        }
    }
}

impl RawInputError {
    fn read(self, workflow: &Workflow) -> InputError {
        let info = |name: &str| self.extra_info.get(name).filter(|value| !value.is_null());
        let details = text(&self.details);
        let (message, details) = match self.dangling_link(&details, workflow) {
            Some(missing) => (format!("is linked to node {missing}, which is not in the workflow"), String::new()),
            None => (one_line(&self.message, MAX_DETAILS_CHARS), details),
        };
        InputError {
            input: info("input_name").and_then(Value::as_str).map(|name| one_line(name, MAX_NAME_CHARS)),
            received: info("received_value").or_else(|| info("received_type")).map(short),
            allowed: info("input_config").and_then(|config| allowed(&self.kind, config)),
            message,
            details,
            kind: one_line(&self.kind, MAX_NAME_CHARS),
        }
    }

    /// The node at the other end of a link, if it is missing. The server trips over it: a Python `KeyError` with the id in
    /// quotes is all that it says.
    fn dangling_link<'a>(&self, details: &'a str, workflow: &Workflow) -> Option<&'a str> {
        let exception = self.extra_info.get("exception_type").and_then(Value::as_str).unwrap_or_default();
        let id = details.strip_prefix('\'')?.strip_suffix('\'')?;
        let is_missing = self.kind == "exception_during_validation" && exception.ends_with("KeyError");
        (is_missing && !workflow.nodes().contains_key(id)).then_some(id)
    }
}

/// What an input takes, from its declaration: `["INT", {"min", "max"}]`, `[["a", "b"], {…}]` or
/// `["COMBO", {"options": […]}]`.
fn allowed(kind: &str, config: &Value) -> Option<String> {
    let declared = config.get(0)?;
    let settings = config.get(1);
    let setting = |name: &str| settings.and_then(|settings| settings.get(name)).filter(|value| !value.is_null());
    match kind {
        "value_smaller_than_min" | "value_bigger_than_max" => match (setting("min"), setting("max")) {
            (Some(min), Some(max)) => Some(format!("{} to {}", short(min), short(max))),
            (Some(min), None) => Some(format!("{} or more", short(min))),
            (None, Some(max)) => Some(format!("{} or less", short(max))),
            (None, None) => None,
        },
        "value_not_in_list" => {
            let options = declared.as_array().or_else(|| setting("options").and_then(Value::as_array))?;
            if options.is_empty() {
                return Some("nothing: the list is empty on this server".to_owned());
            }
            let shown: Vec<String> = options.iter().take(MAX_OPTIONS).map(text).collect();
            let more = options.len().saturating_sub(MAX_OPTIONS);
            let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
            Some(format!("one of: {}{tail}", shown.join(", ")))
        }
        "return_type_mismatch" | "invalid_input_type" => declared.as_str().map(|name| one_line(name, MAX_VALUE_CHARS)),
        _ => None,
    }
}

/// A value as short JSON, strings in their quotes.
fn short(value: &Value) -> String {
    one_line(&value.to_string(), MAX_VALUE_CHARS)
}

/// A value as text, strings without quotes, nothing for `null`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => one_line(text, MAX_DETAILS_CHARS),
        other => one_line(&other.to_string(), MAX_DETAILS_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(json: &str) -> Rejection {
        let workflow = Workflow::parse(
            r#"{"1": {"class_type": "EmptyImage", "inputs": {}, "_meta": {"title": "Canvas"}},
                "2": {"class_type": "ImageScale", "inputs": {}}}"#,
        )
        .unwrap();
        serde_json::from_str::<RawRejection>(json).unwrap().read(&workflow)
    }

    fn with_error(node: &str, error: &str) -> String {
        rejection(&format!(
            r#"{{"error": {{"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
                "details": "", "extra_info": {{}}}}, "node_errors": {{"{node}": {{"errors": [{error}],
                "dependent_outputs": ["3"], "class_type": "X"}}}}}}"#
        ))
        .to_string()
    }

    #[test]
    fn a_value_out_of_range_says_which_range() {
        assert_eq!(
            with_error(
                "1",
                r#"{"type": "value_smaller_than_min", "message": "Value 0 smaller than min of 1", "details": "width",
                    "extra_info": {"input_name": "width", "input_config": ["INT", {"min": 1, "max": 16384}],
                    "received_value": 0}}"#
            ),
            "ComfyUI refused the workflow: node 1 \"Canvas\" (EmptyImage): width: Value 0 smaller than min of 1 \
             (received 0, allowed 1 to 16384)"
        );
    }

    #[test]
    fn both_shapes_of_a_list_are_told() {
        let plain = r#"{"type": "value_not_in_list", "message": "Value not in list", "details": "m: 'x' not in [..]",
            "extra_info": {"input_name": "m", "input_config": [["a", "b"], {}], "received_value": "x"}}"#;
        let combo = plain.replace(r#"[["a", "b"], {}]"#, r#"["COMBO", {"options": ["a", "b"]}]"#);
        for error in [plain, &combo] {
            assert_eq!(
                with_error("2", error),
                "ComfyUI refused the workflow: node 2 (ImageScale): m: Value not in list \
                 (received \"x\", allowed one of: a, b)"
            );
        }
        let empty = plain.replace(r#"["a", "b"]"#, "[]");
        assert!(with_error("2", &empty).ends_with("allowed nothing: the list is empty on this server)"));
    }

    #[test]
    fn details_are_kept_where_they_say_something() {
        assert!(
            with_error(
                "9",
                r#"{"type": "custom_validation_failed", "message": "Custom validation failed for node",
                "details": "image - Invalid image file: nosuch.png", "extra_info": {"input_name": "image"}}"#
            )
            .ends_with("node 9 (X): image: Custom validation failed for node (image - Invalid image file: nosuch.png)")
        );
        assert!(
            with_error(
                "1",
                r#"{"type": "required_input_missing", "message": "Required input is missing", "details": "color",
                "extra_info": {"input_name": "color"}}"#
            )
            .ends_with("color: Required input is missing")
        );
    }

    #[test]
    fn a_class_that_the_server_does_not_have_is_named() {
        let new = r#"{"error": {"type": "missing_node_type", "message": "Node 'Canvas' not found. The custom node may not be
            installed.", "details": "Node ID '#1'", "extra_info": {"node_id": "1"}}, "node_errors": {}}"#;
        let old = r#"{"error": {"type": "invalid_prompt", "message": "Cannot execute because node EmptyImage does not exist.",
            "details": "Node ID '#1'", "extra_info": {}}, "node_errors": []}"#;
        for answer in [new, old] {
            assert_eq!(
                rejection(&answer.replace('\n', " ")).to_string(),
                "ComfyUI refused the workflow: node 1 \"Canvas\" (EmptyImage): this server does not have the node class \
                 EmptyImage (it comes with a custom node, or with a newer ComfyUI)"
            );
        }
    }

    #[test]
    fn a_link_into_nothing_is_told_from_other_exceptions() {
        let error = |details: &str| {
            let error = r#"{"type": "exception_during_validation", "message": "Exception when validating node",
                "details": "DETAILS", "extra_info": {"exception_type": "KeyError"}}"#;
            with_error("2", &error.replace("DETAILS", details))
        };
        assert!(error("'7'").ends_with("node 2 (ImageScale): is linked to node 7, which is not in the workflow"));
        assert!(error("'1'").ends_with("Exception when validating node ('1')"));
        assert!(error("7").ends_with("Exception when validating node (7)"));
    }

    #[test]
    fn without_node_errors_the_message_speaks() {
        let missing = rejection(
            r#"{"error": {"type": "missing_node_type", "message": "Node 'My node' not found. The custom node may not be installed.",
                "details": "Node ID '#8'", "extra_info": {}}, "node_errors": {}}"#,
        );
        assert_eq!(
            missing.to_string(),
            "ComfyUI refused the workflow: Node 'My node' not found. The custom node may not be installed. (Node ID '#8')"
        );
        let odd = rejection(r#"{"error": "plain words", "node_errors": []}"#);
        assert_eq!(odd.to_string(), "ComfyUI refused the workflow: plain words");
    }
}
