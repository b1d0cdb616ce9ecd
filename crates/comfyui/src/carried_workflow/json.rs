//! A workflow as a file of its own: the editor's format, the API's, or the body of a request to `/prompt`, which holds
//! both.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::found::{Found, Key, MAX_TEXT_BYTES};
use super::walk::{Fault, Walk, Want};
use crate::python_json;

pub(super) struct Json;

/// What in the body of a request holds the editor's format.
#[derive(Deserialize)]
struct ExtraData<'a> {
    #[serde(borrow)]
    extra_pnginfo: ExtraPngInfo<'a>,
}

#[derive(Deserialize)]
struct ExtraPngInfo<'a> {
    #[serde(borrow)]
    workflow: &'a RawValue,
}

/// As far as a node shows in it.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "class_type")]
    _class_type: String,
}

impl Walk for Json {
    fn start(&self) -> Want {
        Want::Rest(MAX_TEXT_BYTES)
    }

    fn take(&mut self, bytes: &[u8], found: &mut Found) -> Result<Want, Fault> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let json = python_json::without_bare_floats(text);
        let fields: IndexMap<String, &RawValue> =
            serde_json::from_slice(&json).map_err(|_| Fault::NoWorkflow { is_json: false })?;
        let is = |name: &str, first: char| fields.get(name).is_some_and(|value| value.get().starts_with(first));
        if is("nodes", '[') {
            found.take(Key::Workflow, text);
        } else if fields.values().any(|value| serde_json::from_str::<Node>(value.get()).is_ok()) {
            found.take(Key::Prompt, text);
        } else {
            if is("prompt", '{') || is("workflow", '{') {
                found.take_object(text)?;
            }
            let extra_data = fields.get("extra_data").and_then(|extra| serde_json::from_str(extra.get()).ok());
            if let Some(ExtraData { extra_pnginfo }) = extra_data {
                found.take(Key::Workflow, extra_pnginfo.workflow.get().as_bytes());
            }
        }
        if found.is_empty() { Err(Fault::NoWorkflow { is_json: true }) } else { Ok(Want::Nothing) }
    }
}
