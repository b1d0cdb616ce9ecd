use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::python_json::without_bare_floats;

/// The most models and packs that are kept of one workflow.
const MAX_KEPT: usize = 1000;
/// The longest name, folder or URL that is kept, in bytes.
const MAX_NAME_BYTES: usize = 4096;
/// How often a text in a text is read as JSON: pictures carry workflows as texts.
const MAX_WRAPS: usize = 3;

/// What the text of a workflow says of where its nodes and models come from.
///
/// The editor writes it for its own use: `properties.cnr_id`, `aux_id` and `ver` of a node for its pack,
/// `properties.models` of a node and `models` of the workflow for files (`{"name", "url", "directory"}`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    packs: HashMap<String, PackOrigin>,
    models: Vec<ModelOrigin>,
}

/// The pack of custom nodes that a class is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackOrigin {
    /// `cnr_id`, the registry's name, or `aux_id`, `owner/repository`.
    pub id: String,
    /// `ver`: a version or a commit.
    pub version: Option<String>,
}

/// A model file that a workflow names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelOrigin {
    /// The file's name.
    pub name: String,
    /// The folder of models that it belongs to: `checkpoints`, `loras`, ….
    pub directory: Option<String>,
    /// Where it can be had.
    pub url: Option<String>,
}

impl Provenance {
    /// Reads a workflow in any form, also within what a picture or the history holds. What is no workflow says nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut provenance = Self::default();
        provenance.read_text(text, MAX_WRAPS);
        provenance
    }

    /// The pack that a node class is from.
    #[must_use]
    pub fn pack(&self, class_type: &str) -> Option<&PackOrigin> {
        self.packs.get(class_type)
    }

    /// The models that are named, in the text's order, each once.
    #[must_use]
    pub fn models(&self) -> &[ModelOrigin] {
        &self.models
    }

    /// The model of a name, folders before it left aside; of several, the one in `directory`.
    #[must_use]
    pub fn model(&self, name: &str, directory: Option<&str>) -> Option<&ModelOrigin> {
        let mut named = self.models.iter().filter(|model| file_name(&model.name) == file_name(name));
        let first = named.clone().next();
        named.find(|model| directory.is_some() && model.directory.as_deref() == directory).or(first)
    }

    fn read_text(&mut self, text: &str, wraps: usize) {
        let text = text.trim_start_matches('\u{feff}').trim();
        // Most texts within a workflow are no JSON.
        if !text.starts_with(['{', '[', '"']) {
            return;
        }
        if let Ok(value) = serde_json::from_slice::<Value>(&without_bare_floats(text.as_bytes())) {
            self.walk(&value, wraps);
        }
    }

    /// `serde_json` reads no more than 128 levels.
    fn walk(&mut self, value: &Value, wraps: usize) {
        match value {
            Value::Object(object) => {
                self.take(object);
                for (key, value) in object {
                    match value {
                        Value::String(text) if wraps > 0 && matches!(key.as_str(), "workflow" | "prompt") => {
                            self.read_text(text, wraps - 1);
                        }
                        value => self.walk(value, wraps),
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.walk(value, wraps)),
            Value::String(text) if wraps == MAX_WRAPS => self.read_text(text, wraps - 1),
            _ => {}
        }
    }

    fn take(&mut self, object: &Map<String, Value>) {
        for model in object.get("models").and_then(Value::as_array).into_iter().flatten() {
            let said = |key| model.get(key).and_then(Value::as_str).and_then(short);
            let Some(name) = said("name") else { continue };
            let model = ModelOrigin { name, directory: said("directory"), url: said("url") };
            // What is named like a model has one of the two.
            let says_something = model.directory.is_some() || model.url.is_some();
            if says_something && self.models.len() < MAX_KEPT && !self.models.contains(&model) {
                self.models.push(model);
            }
        }
        let (Some(Value::String(class_type)), Some(Value::Object(properties))) =
            (object.get("type"), object.get("properties"))
        else {
            return;
        };
        let said = |key| properties.get(key).and_then(Value::as_str).and_then(short);
        if let Some(id) = said("cnr_id").or_else(|| said("aux_id"))
            && self.packs.len() < MAX_KEPT
        {
            self.packs.entry(class_type.clone()).or_insert(PackOrigin { id, version: said("ver") });
        }
    }
}

fn short(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= MAX_NAME_BYTES).then(|| text.to_owned())
}

/// The last part of a path of either kind.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_and_packs_are_found_in_every_wrapping() {
        let node = json!({"id": 1, "type": "LoraLoader", "properties": {"cnr_id": "comfy-core", "ver": "0.3.40",
            "models": [{"name": "a.safetensors", "url": "https://example.com/a", "directory": "loras"}]}});
        let workflow = json!({"nodes": [], "definitions": {"subgraphs": [{"nodes": [node]}]},
            "models": [{"name": "b.safetensors", "url": "https://example.com/b", "directory": "vae"}, {"odd": 1}]});
        let carried = json!({"prompt": "{}", "workflow": workflow.to_string()});
        let as_text = serde_json::to_string(&workflow.to_string()).unwrap();
        for text in [workflow.to_string(), carried.to_string(), format!("\u{feff}{workflow}"), as_text] {
            let provenance = Provenance::read(&text);
            assert_eq!(provenance.models().len(), 2, "{text}");
            let model = provenance.model("sub\\a.safetensors", Some("loras")).unwrap();
            assert_eq!(model.url.as_deref(), Some("https://example.com/a"));
            let pack = provenance.pack("LoraLoader").unwrap();
            assert_eq!((pack.id.as_str(), pack.version.as_deref()), ("comfy-core", Some("0.3.40")));
        }
    }

    #[test]
    fn of_several_of_a_name_the_folder_decides() {
        let model = |directory| json!({"name": "a.pt", "directory": directory});
        let text = json!({"nodes": [], "models": [model("vae"), model("loras")]}).to_string();
        let provenance = Provenance::read(&text);
        assert_eq!(provenance.model("a.pt", Some("loras")).unwrap().directory.as_deref(), Some("loras"));
        assert_eq!(provenance.model("a.pt", Some("x")).unwrap().directory.as_deref(), Some("vae"));
        assert_eq!(provenance.model("b.pt", None), None);
    }

    #[test]
    fn what_is_no_workflow_says_nothing() {
        for text in ["", "{", "null", "a cat", "[1, \"{\"]", r#"{"models": [1, {"name": ""}, {"name": "x"}]}"#] {
            assert_eq!(Provenance::read(text), Provenance::default(), "{text}");
        }
    }
}
