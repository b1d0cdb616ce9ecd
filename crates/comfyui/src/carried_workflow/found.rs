use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Carrier;
use super::walk::Fault;
use crate::python_json;

/// The longest metadata that are read, in bytes; decompressed as well.
pub(super) const MAX_TEXT_BYTES: usize = 16 << 20;

/// What a file carries: JSON texts as they stand in it, not parsed. At least one of them is there.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CarriedWorkflow {
    /// What the file is.
    pub carrier: Carrier,
    /// The prompt in the API's format: what was run, with the seeds and texts of that run.
    pub prompt: Option<String>,
    /// The workflow in the editor's format, as it stood in the editor when the run was started there.
    pub workflow: Option<String>,
}

impl fmt::Debug for CarriedWorkflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |text: &Option<String>| text.as_ref().map(|text| format!("{} bytes", text.len()));
        f.debug_struct("CarriedWorkflow")
            .field("carrier", &self.carrier)
            .field("prompt", &bytes(&self.prompt))
            .field("workflow", &bytes(&self.workflow))
            .finish()
    }
}

/// What was found up to now.
#[derive(Debug, Default)]
pub(super) struct Found {
    prompt: Option<String>,
    workflow: Option<String>,
}

/// The keys of metadata that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Prompt,
    Workflow,
    /// Where film nodes (VideoHelperSuite) put an object of both.
    Comment,
}

impl Key {
    /// In any case: Matroska writes its keys in capitals, and so do some nodes.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        const KEYS: [(&[u8], Key); 5] = [
            (b"prompt", Key::Prompt),
            (b"workflow", Key::Workflow),
            (b"comment", Key::Comment),
            (b"\xa9cmt", Key::Comment),
            (b"com.apple.quicktime.comment", Key::Comment),
        ];
        KEYS.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, key)| *key)
    }
}

/// An object of both; `extra_data` is that of a request to `/prompt`.
#[derive(Deserialize)]
struct Both<'a> {
    #[serde(borrow, default)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow, default)]
    workflow: Option<&'a RawValue>,
}

impl Found {
    /// Takes in what stands under a key. The first one of a key counts.
    pub(super) fn take(&mut self, key: Key, value: &[u8]) {
        match key {
            Key::Prompt => Self::keep(&mut self.prompt, value),
            Key::Workflow => Self::keep(&mut self.workflow, value),
            // Comments may be anything.
            Key::Comment => drop(self.take_object(value)),
        }
    }

    /// Takes in a JSON object with `prompt` and `workflow`, each an object or a text of one.
    pub(super) fn take_object(&mut self, json: &[u8]) -> Result<(), Fault> {
        let json = python_json::without_bare_floats(json);
        let both: Both<'_> = serde_json::from_slice(&json).map_err(|_| Fault::Damaged("its metadata are not JSON"))?;
        for (key, value) in [(Key::Prompt, both.prompt), (Key::Workflow, both.workflow)] {
            let Some(value) = value else { continue };
            match serde_json::from_str::<String>(value.get()) {
                Ok(text) => self.take(key, text.as_bytes()),
                Err(_) => self.take(key, value.get().as_bytes()),
            }
        }
        Ok(())
    }

    /// Python writes ASCII; what others write is mostly UTF-8, whatever the format says.
    fn keep(place: &mut Option<String>, value: &[u8]) {
        let value = value.trim_ascii().strip_suffix(b"\0").unwrap_or(value).trim_ascii();
        // What is no object, such as the `null` of a run without an editor, is none.
        if place.is_none() && value.starts_with(b"{") {
            *place = Some(match std::str::from_utf8(value) {
                Ok(text) => text.to_owned(),
                Err(_) => value.iter().copied().map(char::from).collect(),
            });
        }
    }

    pub(super) const fn is_complete(&self) -> bool {
        self.prompt.is_some() && self.workflow.is_some()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.prompt.is_none() && self.workflow.is_none()
    }

    pub(super) fn into_carried(self, carrier: Carrier) -> Option<CarriedWorkflow> {
        let Self { prompt, workflow } = self;
        (prompt.is_some() || workflow.is_some()).then_some(CarriedWorkflow { carrier, prompt, workflow })
    }
}
