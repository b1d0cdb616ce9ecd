use std::borrow::Cow;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Node, UiWorkflowError, Workflow};
use crate::error::one_line;
use crate::python_json::without_bare_floats;

/// The longest workflow text that is read.
const MAX_BYTES: usize = 32 << 20;
/// The most nodes that are read. The largest workflows that people share have a few thousand.
const MAX_NODES: usize = 20_000;

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
    /// More than 20,000 nodes.
    #[error("the workflow has {0} nodes, more than the 20000 that are read")]
    TooManyNodes(usize),
    /// No JSON.
    #[error("the workflow is not valid JSON: {0}")]
    NotJson(String),
    /// Prompts and settings as text, as A1111 and its kin write them into pictures.
    #[error(
        "this is the text that Stable Diffusion web UI (A1111) writes into its pictures, and no workflow of ComfyUI: \
         build the same in ComfyUI and export it"
    )]
    Parameters,
    /// Of the editor, and broken.
    #[error("this is a workflow as ComfyUI's editor saves it, but {0}")]
    BrokenEditorFile(#[from] UiWorkflowError),
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
        match recognise(text)? {
            Recognised::Api(workflow) => Ok(workflow),
            Recognised::Ui { nodes, .. } => Err(WorkflowError::EditorFormat { nodes }),
        }
    }
}

/// What a text holds.
pub(super) enum Recognised {
    /// A workflow in API format.
    Api(Workflow),
    /// One of the editor.
    Ui {
        /// Its JSON.
        json: String,
        /// How many nodes it has.
        nodes: usize,
    },
}

pub(super) fn recognise(text: &str) -> Result<Recognised, WorkflowError> {
    if text.len() > MAX_BYTES {
        return Err(WorkflowError::TooLong(text.len()));
    }
    let cleaned = clean(text);
    let cleaned = cleaned.trim();
    if cleaned.is_empty() {
        return Err(WorkflowError::Empty);
    }
    if cleaned.starts_with('"') {
        let inner: String = serde_json::from_str(cleaned).map_err(|error| not_json(cleaned, &error))?;
        let inner = clean(&inner);
        return from_json(inner.trim(), MAX_WRAPS);
    }
    from_json(cleaned, MAX_WRAPS)
}

/// How many wrappings are looked into.
const MAX_WRAPS: usize = 3;

type Object<'a> = IndexMap<String, &'a RawValue>;

fn from_json(json: &str, wraps: usize) -> Result<Recognised, WorkflowError> {
    // First as any JSON at all, so that the error tells a broken text from a wrong one.
    let whole: &RawValue = serde_json::from_str(json).map_err(|error| not_json(json, &error))?;
    let Some(object) = object(whole) else {
        if let Some(prompt) = queued_prompt(whole).filter(|_| wraps > 0) {
            return from_json(prompt, wraps - 1);
        }
        return Err(WorkflowError::NotAWorkflow(format!("it is {}", described(whole))));
    };
    if let Some(nodes) = object.get("nodes").filter(|_| !is_node(&object))
        && let Ok(nodes) = serde_json::from_str::<Vec<&RawValue>>(nodes.get())
    {
        return Ok(Recognised::Ui { json: json.to_owned(), nodes: nodes.len() });
    }
    if wraps > 0 && !is_node(&object) {
        // Pictures, bodies of `POST /prompt` and the history hold what was run, and the editor's file beside it.
        for key in ["prompt", "workflow"] {
            let Some(inner) = object.get(key) else { continue };
            if let Some(inner) = unwrapped(inner) {
                return from_json(&inner, wraps - 1);
            }
        }
        if let Some(entry) = history_entry(&object)? {
            return from_json(entry.get(), wraps - 1);
        }
    }
    if let Some(what) = other_file(&object) {
        return Err(WorkflowError::NotAWorkflow(what));
    }
    if object.is_empty() {
        return Err(WorkflowError::NotAWorkflow("it has no nodes".to_owned()));
    }
    if object.len() > MAX_NODES {
        return Err(WorkflowError::TooManyNodes(object.len()));
    }
    let nodes =
        object.into_iter().map(|(id, raw)| Ok((id.clone(), node(&id, raw)?))).collect::<Result<_, WorkflowError>>()?;
    Ok(Recognised::Api(Workflow { nodes }))
}

/// What a wrapper's field holds: an object, an object as text, or a queue item.
fn unwrapped(raw: &RawValue) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first()? {
        // A lone node that is called `prompt` is no wrapper.
        b'{' => object(raw).filter(|object| !is_node(object)).map(|_| Cow::Borrowed(raw.get())),
        b'[' => queued_prompt(raw).map(Cow::Borrowed),
        b'"' => {
            let text: String = serde_json::from_str(raw.get()).ok()?;
            text.trim_start().starts_with('{').then(|| Cow::Owned(text.trim().to_owned()))
        }
        _ => None,
    }
}

/// The prompt of a queue item, `[number, id, prompt, extra data, outputs]`.
fn queued_prompt(raw: &RawValue) -> Option<&str> {
    let item: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    let is_item = item.len() >= 4 && item.get(1)?.get().starts_with('"');
    let prompt = item.get(2)?.get();
    (is_item && prompt.starts_with('{')).then_some(prompt)
}

/// The one entry of `{"<prompt id>": {"prompt": […], "outputs": …}}`.
fn history_entry<'a>(object: &Object<'a>) -> Result<Option<&'a RawValue>, WorkflowError> {
    let is_entry = |raw: &RawValue| {
        self::object(raw).is_some_and(|entry| {
            !is_node(&entry) && entry.get("prompt").is_some_and(|prompt| queued_prompt(prompt).is_some())
        })
    };
    let mut entries = object.values().copied();
    let Some(first) = entries.next().filter(|first| is_entry(first)) else { return Ok(None) };
    match object.len() {
        1 => Ok(Some(first)),
        count => Err(WorkflowError::NotAWorkflow(format!("it is the history of {count} runs; give one of them"))),
    }
}

/// What else ComfyUI's users have in files of JSON.
fn other_file(object: &Object<'_>) -> Option<String> {
    let (_, first) = object.first()?;
    let first = self::object(first)?;
    let is_class = first.contains_key("input") && first.contains_key("output") && !is_node(&first);
    is_class.then(|| format!("it is object_info, the declarations of {} node classes", object.len()))
}

fn described(raw: &RawValue) -> String {
    let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else { return kind(raw.get()).to_owned() };
    let first = list.first().map(|first| (kind(first.get()), object(first)));
    match first {
        Some((_, Some(first))) if first.contains_key("nodes") => {
            format!("a list of {} workflows; give one", list.len())
        }
        Some((_, Some(first))) if is_node(&first) => format!("a list of {} nodes without their ids", list.len()),
        Some((kind, _)) => format!("a list of {}, the first of which is {kind}", list.len()),
        None => "an empty list".to_owned(),
    }
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

fn not_json(text: &str, error: &serde_json::Error) -> WorkflowError {
    // The parameters that Stable Diffusion web UIs write into pictures.
    if text.contains("Steps: ") && text.contains("Sampler: ") {
        return WorkflowError::Parameters;
    }
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
    fn there_is_a_most_of_nodes() {
        let workflow = |nodes: usize| {
            let nodes: Vec<String> = (0..nodes).map(|id| format!(r#""{id}":{{"class_type":"A"}}"#)).collect();
            Workflow::parse(&format!("{{{}}}", nodes.join(",")))
        };
        assert_eq!(workflow(MAX_NODES).unwrap().nodes().len(), MAX_NODES);
        assert_eq!(workflow(MAX_NODES + 1), Err(WorkflowError::TooManyNodes(MAX_NODES + 1)));
    }

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
        assert!(said("[1]").ends_with("it is a list of 1, the first of which is a number"), "{}", said("[1]"));
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
