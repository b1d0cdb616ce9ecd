//! Results of nodes, kept from one prompt to the next.
//!
//! As ComfyUI's `comfy_execution/caching.py`: a result is known by the node's class, its literal
//! inputs and, through its links, those of all its ancestors, whatever their ids; and what the
//! next prompt does not contain is forgotten when it starts.

use std::collections::{HashMap, HashSet};

use indexmap::IndexSet;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::node::{Files, Fingerprint, NodeValue};
use crate::registry::Registry;

/// What a node left behind.
#[derive(Debug, Clone)]
pub(crate) struct CachedResult {
    pub(crate) values: Vec<NodeValue>,
    /// `output` and `meta`, if the node had something to show.
    pub(crate) ui: Option<CachedUi>,
}

/// What a node showed.
#[derive(Debug, Clone)]
pub(crate) struct CachedUi {
    pub(crate) output: Value,
    pub(crate) meta: Value,
}

/// A digest of what a result is known by.
type Key = [u8; 32];

/// The results of the last prompt and of the one that runs.
#[derive(Debug, Default)]
pub(crate) struct ResultCache {
    results: HashMap<Key, CachedResult>,
    keys: HashMap<String, Key>,
    unique: u64,
}

impl ResultCache {
    /// Starts a prompt: computes the key of every node, notes in the prompt what nodes said of
    /// themselves (`is_changed`, as in ComfyUI's PNG metadata) and forgets other results.
    pub(crate) fn start(&mut self, prompt: &mut Map<String, Value>, registry: &Registry, files: Files<'_>) {
        let mut immediate = HashMap::new();
        for (node_id, node) in prompt.iter_mut() {
            let fingerprint = fingerprint(node, registry, &files);
            let changed = match &fingerprint {
                Fingerprint::Inputs => Value::from(false),
                Fingerprint::Content(content) => {
                    set_changed(node, json!([content]));
                    Value::from(content.as_str())
                }
                Fingerprint::Unique => {
                    self.unique += 1;
                    set_changed(node, json!([self.unique]));
                    json!({"unique": self.unique})
                }
            };
            immediate.insert(node_id.clone(), changed);
        }
        self.keys = keys(prompt, &immediate);
        let used: HashSet<&Key> = self.keys.values().collect();
        self.results.retain(|key, _| used.contains(key));
    }

    pub(crate) fn get(&self, node_id: &str) -> Option<&CachedResult> {
        self.results.get(self.keys.get(node_id)?)
    }

    pub(crate) fn contains(&self, node_id: &str) -> bool {
        self.get(node_id).is_some()
    }

    pub(crate) fn insert(&mut self, node_id: &str, result: CachedResult) {
        if let Some(key) = self.keys.get(node_id) {
            self.results.insert(*key, result);
        }
    }

    /// Forgets everything; `/free` with `free_memory`.
    pub(crate) fn clear(&mut self) {
        self.results.clear();
    }
}

/// A node as its own results and those below it are known by.
#[derive(Debug, Default)]
struct Part {
    /// Its class, its literal inputs, what else it depends on, and which outputs its links are of.
    own: Key,
    /// Where its links come from, in the order of their inputs' names: places among the parts.
    sources: Vec<usize>,
}

/// The keys of all nodes. As on the real server it takes a step for each node and each of its ancestors.
fn keys(prompt: &Map<String, Value>, changed: &HashMap<String, Value>) -> HashMap<String, Key> {
    // Nodes that no output needs may have links to nowhere.
    let mut places: IndexSet<&str> = prompt.keys().map(String::as_str).collect();
    let mut parts: Vec<Part> = Vec::with_capacity(prompt.len());
    for (node_id, node) in prompt {
        let mut sources = Vec::new();
        let mut inputs = Vec::new();
        for (name, value) in sorted_inputs(node) {
            match as_link(value) {
                Some((source, slot)) => {
                    sources.push(places.insert_full(source).0);
                    inputs.push(json!([name, "link", slot]));
                }
                None => inputs.push(json!([name, "literal", value])),
            }
        }
        let own = json!([node.get("class_type"), changed.get(node_id), inputs]);
        parts.push(Part { own: Sha256::digest(own.to_string()).into(), sources });
    }
    parts.resize_with(places.len(), Part::default);
    // By which node each was last found, and as the how manieth of its ancestors.
    let mut found: Vec<Option<(usize, u64)>> = vec![None; parts.len()];
    prompt.keys().enumerate().map(|(node, node_id)| (node_id.clone(), key(node, &parts, &mut found))).collect()
}

/// The real server walks depth first in the order of the inputs' names; the order only has to be the same for the same
/// graph.
fn key(node: usize, parts: &[Part], found: &mut [Option<(usize, u64)>]) -> Key {
    let mut digest = Sha256::new();
    let mut ancestors = 0;
    let mut open = vec![node];
    while let Some(part) = open.pop().and_then(|place| parts.get(place)) {
        digest.update(part.own);
        for source in &part.sources {
            let Some(last) = found.get_mut(*source) else { continue };
            let ancestor = match *last {
                Some((by, ancestor)) if by == node => ancestor,
                _ => {
                    let ancestor = ancestors;
                    ancestors += 1;
                    *last = Some((node, ancestor));
                    open.push(*source);
                    ancestor
                }
            };
            digest.update(ancestor.to_le_bytes());
        }
    }
    digest.finalize().into()
}

fn fingerprint(node: &Value, registry: &Registry, files: &Files<'_>) -> Fingerprint {
    let class_type = node.get("class_type").and_then(Value::as_str).unwrap_or_default();
    match (registry.get(class_type), node.get("inputs")) {
        (Some(class), Some(Value::Object(inputs))) => class.fingerprint(inputs, files),
        _ => Fingerprint::Inputs,
    }
}

fn set_changed(node: &mut Value, changed: Value) {
    if let Some(node) = node.as_object_mut() {
        node.insert("is_changed".to_owned(), changed);
    }
}

fn sorted_inputs(node: &Value) -> Vec<(&String, &Value)> {
    let mut inputs: Vec<_> = node.get("inputs").and_then(Value::as_object).into_iter().flatten().collect();
    inputs.sort_by_key(|(name, _)| *name);
    inputs
}

/// The source and the slot, if the value is a link: ComfyUI's `is_link`.
pub(crate) fn as_link(value: &Value) -> Option<(&str, &Value)> {
    match value.as_array()?.as_slice() {
        [Value::String(source), slot @ (Value::Number(_) | Value::Bool(_))] => Some((source, slot)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{CachedResult, ResultCache};
    use crate::node::Files;
    use crate::registry::Registry;
    use crate::storage::Storage;

    fn start(cache: &mut ResultCache, prompt: Value) {
        let storage = Storage::in_memory(1_000);
        let registry = Registry::new(Vec::new(), &Files(&storage));
        let Value::Object(mut prompt) = prompt else { panic!("a prompt is an object") };
        cache.start(&mut prompt, &registry, Files(&storage));
    }

    fn prompt(color: u32, prefix: &str, first: &str) -> Value {
        json!({
            first: {"class_type": "EmptyImage", "inputs": {"color": color}},
            "2": {"class_type": "ImageInvert", "inputs": {"image": [first, 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
        })
    }

    fn empty() -> CachedResult {
        CachedResult { values: Vec::new(), ui: None }
    }

    #[test]
    fn a_result_holds_for_the_same_inputs_under_any_id() {
        let mut cache = ResultCache::default();
        start(&mut cache, prompt(1, "a", "1"));
        for node in ["1", "2", "3"] {
            cache.insert(node, empty());
        }
        start(&mut cache, prompt(1, "b", "7"));
        assert!(cache.contains("7") && cache.contains("2") && !cache.contains("3"));
    }

    #[test]
    fn a_change_upstream_changes_everything_below_and_forgets_the_rest() {
        let mut cache = ResultCache::default();
        start(&mut cache, prompt(1, "a", "1"));
        cache.insert("2", empty());
        start(&mut cache, prompt(2, "a", "1"));
        assert!(!cache.contains("2"));
        start(&mut cache, prompt(1, "a", "1"));
        assert!(!cache.contains("2"), "only the last prompt's results are kept");
    }

    #[test]
    fn one_source_twice_is_not_two_sources_of_the_same() {
        let blend = |first: &str, second: &str| {
            let empty = json!({"class_type": "EmptyImage", "inputs": {"color": 1}});
            let inputs = json!({"image1": [first, 0], "image2": [second, 0]});
            json!({"1": empty, "2": empty, "3": {"class_type": "ImageBlend", "inputs": inputs}})
        };
        let mut cache = ResultCache::default();
        start(&mut cache, blend("1", "2"));
        cache.insert("3", empty());
        start(&mut cache, blend("2", "1"));
        assert!(cache.contains("3"));
        start(&mut cache, blend("1", "1"));
        assert!(!cache.contains("3"));
    }

    #[test]
    fn links_to_nowhere_and_in_circles_have_keys() {
        let invert = |source: &str| json!({"class_type": "ImageInvert", "inputs": {"image": [source, 0]}});
        let mut cache = ResultCache::default();
        start(&mut cache, json!({"1": invert("2"), "2": invert("1"), "3": invert("9"), "4": invert("3")}));
        cache.insert("3", empty());
        assert!(cache.contains("3") && !cache.contains("4") && !cache.contains("1"));
    }

    #[test]
    fn a_node_that_is_never_the_same_is_never_cached() {
        let mut cache = ResultCache::default();
        let prompt = json!({"1": {"class_type": "SaveImageWebsocket", "inputs": {}}});
        start(&mut cache, prompt.clone());
        cache.insert("1", empty());
        start(&mut cache, prompt);
        assert!(!cache.contains("1"));
    }
}
