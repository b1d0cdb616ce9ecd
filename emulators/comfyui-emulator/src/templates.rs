//! The templates that a server offers: two of its own in place of ComfyUI's hundreds, and those that a test gives as
//! examples of custom nodes.

use std::time::SystemTime;

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::{Value, json};

/// The emulator's own, by the names of their files.
const OWN: [(&str, &str); 3] = [
    ("index.json", include_str!("../templates/index.json")),
    ("emulator_invert.json", include_str!("../templates/emulator_invert.json")),
    ("emulator_text_to_image.json", include_str!("../templates/emulator_text_to_image.json")),
];

#[derive(Debug)]
pub(crate) struct Templates {
    /// By the name of the pack and of the workflow.
    examples: IndexMap<(String, String), Bytes>,
    pub(crate) since: SystemTime,
}

impl Templates {
    pub(crate) fn new(examples: IndexMap<(String, String), Bytes>) -> Self {
        Self { examples, since: SystemTime::now() }
    }

    /// A file of `/templates`.
    pub(crate) fn own(&self, name: &str) -> Option<Bytes> {
        OWN.iter().find(|(known, _)| *known == name).map(|(_, text)| Bytes::from_static(text.as_bytes()))
    }

    /// The names of the examples, by pack.
    pub(crate) fn packs(&self) -> Value {
        let mut packs: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for (pack, name) in self.examples.keys() {
            packs.entry(pack).or_default().push(name);
        }
        json!(packs)
    }

    /// A file of `/api/workflow_templates`.
    pub(crate) fn example(&self, pack: &str, file: &str) -> Option<Bytes> {
        let name = file.strip_suffix(".json")?;
        self.examples.get(&(pack.to_owned(), name.to_owned())).cloned()
    }
}
