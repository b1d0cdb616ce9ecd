//! How far the nodes of a prompt are: ComfyUI's `ProgressRegistry` (`comfy_execution/progress.py`).

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

#[derive(Debug)]
struct NodeProgress {
    value: Value,
    max: Value,
    state: &'static str,
}

/// The progress of every node of a prompt that has started.
#[derive(Debug)]
pub(crate) struct ProgressBoard {
    prompt_id: String,
    nodes: IndexMap<String, NodeProgress>,
}

impl ProgressBoard {
    pub(crate) fn new(prompt_id: &str) -> Self {
        Self { prompt_id: prompt_id.to_owned(), nodes: IndexMap::new() }
    }

    pub(crate) fn start(&mut self, node_id: &str) {
        self.set(node_id, json!(0.0), json!(1.0));
    }

    pub(crate) fn update(&mut self, node_id: &str, value: u64, max: u64) {
        self.set(node_id, json!(value), json!(max));
    }

    fn set(&mut self, node_id: &str, value: Value, max: Value) {
        self.nodes.insert(node_id.to_owned(), NodeProgress { value, max, state: "running" });
    }

    /// A node that never started, because its result was cached, is finished at 1 of 1.
    pub(crate) fn finish(&mut self, node_id: &str) {
        let progress = self.nodes.entry(node_id.to_owned()).or_insert_with(|| NodeProgress {
            value: json!(0),
            max: json!(1),
            state: "running",
        });
        progress.value = progress.max.clone();
        progress.state = "finished";
    }

    /// The data of a `progress_state` frame: every node, not only what changed.
    pub(crate) fn snapshot(&self) -> Value {
        let nodes: Map<String, Value> = self
            .nodes
            .iter()
            .map(|(node_id, progress)| {
                let mut node = json!({
                    "value": progress.value,
                    "max": progress.max,
                    "state": progress.state,
                    "node_id": node_id,
                    "prompt_id": self.prompt_id,
                });
                if let Some(node) = node.as_object_mut() {
                    node.extend(display_ids(node_id));
                }
                (node_id.clone(), node)
            })
            .collect();
        json!({"prompt_id": self.prompt_id, "nodes": nodes})
    }

    /// The metadata of a preview frame.
    pub(crate) fn preview_metadata(&self, node_id: &str) -> Map<String, Value> {
        let mut metadata = Map::new();
        metadata.insert("node_id".to_owned(), Value::from(node_id));
        metadata.insert("prompt_id".to_owned(), Value::from(self.prompt_id.as_str()));
        metadata.extend(display_ids(node_id));
        metadata
    }
}

/// The emulator has no nodes that make nodes, so a node's three other ids are its own or none.
fn display_ids(node_id: &str) -> [(String, Value); 3] {
    [
        ("display_node_id".to_owned(), Value::from(node_id)),
        ("parent_node_id".to_owned(), Value::Null),
        ("real_node_id".to_owned(), Value::from(node_id)),
    ]
}
