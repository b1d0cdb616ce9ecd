use indexmap::IndexMap;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::NodeLabel;

/// A workflow in ComfyUI's API format: what `POST /prompt` takes as `prompt`.
///
/// Nodes and inputs keep the order of the file, and integers their exact 64 bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workflow {
    pub(super) nodes: IndexMap<String, Node>,
}

/// One node of a [`Workflow`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The class that runs, such as `KSampler`.
    pub class_type: String,
    /// Literal values, and links as `["<node id>", <slot>]`.
    pub inputs: IndexMap<String, Value>,
    /// The editor's own data (`_meta`), of which ComfyUI reads the title.
    pub meta: Map<String, Value>,
}

impl Node {
    /// The title given in the editor.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.meta.get("title").and_then(Value::as_str)
    }

    /// Whether the input is filled by another node: the server takes every list for a link
    /// (`execution.py`, `validate_inputs`).
    #[must_use]
    pub fn is_link(&self, input: &str) -> bool {
        self.inputs.get(input).is_some_and(Value::is_array)
    }
}

impl Workflow {
    /// The nodes by id, in the file's order.
    #[must_use]
    pub const fn nodes(&self) -> &IndexMap<String, Node> {
        &self.nodes
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// One node, to change it.
    pub fn node_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.nodes.get_mut(id)
    }

    /// Makes the node run although the server has its result at hand: an input that no class knows changes what the
    /// server remembers the node by (`comfy_execution/caching.py`), and is otherwise ignored (`execution.py`,
    /// `get_input_data`). What the node is fed with stays cached. `nonce` must not have been used before.
    pub fn avoid_cache(&mut self, node_id: &str, nonce: &str) {
        if let Some(node) = self.nodes.get_mut(node_id) {
            node.inputs.insert("oxidify_run".to_owned(), Value::from(nonce));
        }
    }

    /// What a user calls the node, such as `node 6 "Positive Prompt" (CLIPTextEncode)`; for an unknown id the id alone.
    #[must_use]
    pub fn node_label(&self, id: &str) -> NodeLabel {
        let node = self.nodes.get(id);
        NodeLabel {
            id: id.to_owned(),
            title: node.and_then(Node::title).map(str::to_owned),
            class_type: node.map(|node| node.class_type.clone()).unwrap_or_default(),
        }
    }
}

impl Serialize for Workflow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.nodes.serialize(serializer)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // Even when empty: a lone node without "inputs" kills the server's worker thread for good.
        map.serialize_entry("inputs", &self.inputs)?;
        map.serialize_entry("class_type", &self.class_type)?;
        if !self.meta.is_empty() {
            map.serialize_entry("_meta", &self.meta)?;
        }
        map.end()
    }
}
