use std::borrow::Cow;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Node, Workflow};
use crate::error::one_line;
use crate::python_json::without_bare_floats;

/// The longest workflow text that is read.
const MAX_BYTES: usize = 32 << 20;

/// Why a text is no workflow that can be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkflowError {
    /// Nothing but white space.
    #[error("the workflow is empty: paste the JSON that ComfyUI's \"Export (API)\" saves")]
    Empty,
    /// Longer than 32 MiB.
    #[error("the workflow has {0} bytes, more than the 33554432 that are read")]
    TooLong(usize),
    /// No JSON.
    #[error("the workflow is not valid JSON: {0}")]
    NotJson(String),
    /// JSON of the editor, not of the API.
    #[error(
        "this is the workflow as the editor saves it ({nodes} nodes with their places on the canvas), which ComfyUI's \
         server cannot run: in ComfyUI, choose Workflow > Export (API) and use that file"
    )]
    EditorFormat {
        /// How many nodes the editor's file has.
        nodes: usize,
    },
    /// JSON, but no workflow.
    #[error("this is JSON, but not a workflow in ComfyUI's API format: {0}")]
    NotAWorkflow(String),
}

impl Workflow {
    /// Reads a workflow in API format, as ComfyUI's "Export (API)" saves it.
    ///
    /// Tolerated, because texts get pasted: a byte order mark, control characters and line breaks inside strings,
    /// `NaN` and `Infinity` (read as `null`), the whole body of a `POST /prompt` (`{"prompt": {…}}`), and the JSON
    /// wrapped once more as a JSON string.
    ///
    /// # Errors
    /// [`WorkflowError`], which says what the text was recognised as.
    pub fn parse(text: &str) -> Result<Self, WorkflowError> {
        if text.len() > MAX_BYTES {
            return Err(WorkflowError::TooLong(text.len()));
        }
        let cleaned = clean(text);
        let cleaned = cleaned.trim();
        if cleaned.is_empty() {
            return Err(WorkflowError::Empty);
        }
        if cleaned.starts_with('"') {
            let inner: String = serde_json::from_str(cleaned).map_err(|error| not_json(&error))?;
            let inner = clean(&inner);
            return from_object(inner.trim());
        }
        from_object(cleaned)
    }
}

type Object<'a> = IndexMap<String, &'a RawValue>;

fn from_object(json: &str) -> Result<Workflow, WorkflowError> {
    // First as any JSON at all, so that the error tells a broken text from a wrong one.
    let whole: &RawValue = serde_json::from_str(json).map_err(|error| not_json(&error))?;
    let object = object(whole).ok_or_else(|| WorkflowError::NotAWorkflow(format!("it is {}", kind(json))))?;
    let prompt = object.get("prompt").copied().and_then(self::object).filter(|_| !is_node(&object));
    let entries = prompt.unwrap_or(object);
    if let Some(nodes) = entries.get("nodes").filter(|_| entries.contains_key("links"))
        && let Ok(nodes) = serde_json::from_str::<Vec<&RawValue>>(nodes.get())
    {
        return Err(WorkflowError::EditorFormat { nodes: nodes.len() });
    }
    if entries.is_empty() {
        return Err(WorkflowError::NotAWorkflow("it has no nodes".to_owned()));
    }
    let nodes = entries.into_iter().map(|(id, raw)| Ok((id.clone(), node(&id, raw)?))).collect::<Result<_, _>>()?;
    Ok(Workflow { nodes })
}

fn object(raw: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(raw.get()).ok()
}

/// Whether the object is itself a node, whose id happens to be missing.
fn is_node(object: &Object<'_>) -> bool {
    object.contains_key("class_type")
}

fn node(id: &str, raw: &RawValue) -> Result<Node, WorkflowError> {
    #[derive(Deserialize)]
    struct Entry {
        class_type: Option<String>,
        inputs: Option<IndexMap<String, Value>>,
        #[serde(rename = "_meta")]
        meta: Option<Value>,
    }
    let id = || one_line(id, 40);
    let entry: Entry = serde_json::from_str(raw.get()).map_err(|error| {
        let reason = if raw.get().starts_with('{') { error.to_string() } else { format!("is {}", kind(raw.get())) };
        WorkflowError::NotAWorkflow(format!("its entry {:?} is no node: {}", id(), one_line(&reason, 200)))
    })?;
    let class_type = entry
        .class_type
        .filter(|class_type| !class_type.is_empty())
        .ok_or_else(|| WorkflowError::NotAWorkflow(format!("its entry {:?} is no node: no class_type", id())))?;
    let meta = match entry.meta {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    Ok(Node { class_type, inputs: entry.inputs.unwrap_or_default(), meta })
}

fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a text",
        Some(b't' | b'f') => "true or false",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn not_json(error: &serde_json::Error) -> WorkflowError {
    WorkflowError::NotJson(one_line(&error.to_string(), 200))
}

/// The text with what pasting leaves in it made harmless: outside strings, control characters, byte order marks and
/// odd spaces become blanks; inside strings, raw control characters become escapes. Bare floats become `null`.
fn clean(text: &str) -> String {
    let text: Cow<'_, str> = match without_bare_floats(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned),
    };
    let mut cleaned = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in text.chars() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            match c {
                // After a backslash a raw control character is no escape that JSON knows; as an escape it is.
                '\0'..='\x1f' if cleaned.ends_with('\\') && !escaped => {
                    cleaned.push_str(&format!("\\\\u{:04x}", u32::from(c)));
                }
                '\0'..='\x1f' => cleaned.push_str(&format!("\\u{:04x}", u32::from(c))),
                _ => cleaned.push(c),
            }
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                cleaned.push(c);
            }
            '\u{feff}' | '\u{a0}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{3000}' => cleaned.push(' '),
            _ if c.is_control() => cleaned.push(if c == '\n' { '\n' } else { ' ' }),
            _ => cleaned.push(c),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"10": {"inputs": {"seed": 18446744073709551615, "a": ["2", 0], "z": 1.0, "b": "x"},
        "class_type": "KSampler", "_meta": {"title": "Sampler"}}, "2": {"class_type": "Load"}}"#;

    #[test]
    fn order_seeds_and_floats_survive() {
        let workflow = Workflow::parse(SMALL).unwrap();
        assert_eq!(
            serde_json::to_string(&workflow).unwrap(),
            r#"{"10":{"inputs":{"seed":18446744073709551615,"a":["2",0],"z":1.0,"b":"x"},"class_type":"KSampler","_meta":{"title":"Sampler"}},"2":{"inputs":{},"class_type":"Load"}}"#
        );
        assert_eq!(workflow.node_label("10").to_string(), "node 10 \"Sampler\" (KSampler)");
        assert_eq!(workflow.node_label("99").to_string(), "node 99");
    }

    #[test]
    fn what_pasting_leaves_is_tolerated() {
        let expected = Workflow::parse(SMALL).unwrap();
        let wrapped = format!(r#"{{"prompt": {SMALL}, "client_id": "x"}}"#);
        let twice = serde_json::to_string(SMALL).unwrap();
        let marked = format!("\u{feff}\u{a0}{SMALL}\0\r\n");
        for text in [wrapped, twice, marked] {
            assert_eq!(Workflow::parse(&text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn control_characters_in_strings_become_escapes() {
        let workflow = Workflow::parse(
            "{\"1\": {\"class_type\": \"T\", \"inputs\": {\"text\": \"a\nb\tc \\\" it's\", \"n\": NaN}}}",
        );
        let workflow = workflow.unwrap();
        let inputs = &workflow.node("1").unwrap().inputs;
        assert_eq!(inputs["text"], "a\nb\tc \" it's");
        assert_eq!(inputs["n"], Value::Null);
        let odd = Workflow::parse("{\"1\": {\"class_type\": \"T\", \"inputs\": {\"text\": \"a\\\nb\"}}}").unwrap();
        assert_eq!(odd.node("1").unwrap().inputs["text"], "a\\\nb");
    }

    #[test]
    fn the_error_says_what_was_recognised() {
        let error = |text: &str| Workflow::parse(text).unwrap_err();
        assert_eq!(error(" \n"), WorkflowError::Empty);
        assert_eq!(
            error(r#"{"last_node_id": 9, "nodes": [{"id": 1, "type": "A"}], "links": [], "version": 0.4}"#),
            WorkflowError::EditorFormat { nodes: 1 }
        );
        assert!(matches!(error("{\"1\": "), WorkflowError::NotJson(_)));
        assert!(matches!(error("hello"), WorkflowError::NotJson(_)));
        let said = |text: &str| error(text).to_string();
        assert!(said("[1]").ends_with("it is a list"), "{}", said("[1]"));
        assert!(said("{}").ends_with("it has no nodes"));
        assert!(said(r#"{"1": {"inputs": {}}}"#).ends_with(r#"its entry "1" is no node: no class_type"#));
        assert!(said(r#"{"name": "x"}"#).ends_with(r#"its entry "name" is no node: is a text"#));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_stack_overflow() {
        let deep = format!(
            r#"{{"1": {{"class_type": "T", "inputs": {{"a": {}1{}}}}}}}"#,
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(Workflow::parse(&deep).is_err());
    }
}
