//! The editor's file as it stands, before anything is made of it.

use std::collections::HashMap;

use serde_json::Value;

use super::id::Id;

/// A workflow as ComfyUI's editor saves it: nodes with their places on the canvas, and links between their slots.
#[derive(Clone, Debug, Default)]
pub struct UiWorkflow {
    pub(super) root: UiGraph,
    pub(super) subgraphs: Vec<UiSubgraph>,
    /// `extra.groupNodes`: what came before subgraphs.
    pub(super) group_nodes: HashMap<String, UiGroup>,
    pub(super) last_node_id: i64,
}

/// Nodes and links, of the workflow or of a subgraph.
#[derive(Clone, Debug, Default)]
pub(super) struct UiGraph {
    pub(super) nodes: Vec<UiNode>,
    pub(super) links: HashMap<Id, UiLink>,
}

/// What a subgraph's nodes are instances of.
#[derive(Clone, Debug)]
pub(super) struct UiSubgraph {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) inputs: Vec<UiPort>,
    pub(super) outputs: Vec<UiPort>,
    pub(super) graph: UiGraph,
}

/// Where a subgraph is entered or left.
#[derive(Clone, Debug)]
pub(super) struct UiPort {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) links: Vec<Id>,
}

#[derive(Clone, Debug)]
pub(super) struct UiLink {
    pub(super) origin: Id,
    pub(super) origin_slot: i64,
    pub(super) target: Id,
}

/// A group node's inside: nodes by their place in the list, and links between places.
#[derive(Clone, Debug, Default)]
pub(super) struct UiGroup {
    pub(super) nodes: Vec<UiNode>,
    /// Origin, its slot, target, its slot.
    pub(super) links: Vec<[usize; 4]>,
    /// Outputs that are offered outside although they are linked inside: node and slot.
    pub(super) external: Vec<[usize; 2]>,
    /// By place: `{"input": {"<name>": {"visible": …, "name": …}}, "output": {"<slot>": {"visible": …}}}`.
    pub(super) config: Value,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Active,
    Muted,
    Bypassed,
}

#[derive(Clone, Debug, Default)]
pub(super) struct UiNode {
    pub(super) id: Id,
    /// The id in the file, where the other had to be changed.
    pub(super) saved_id: Id,
    pub(super) kind: String,
    /// Never empty.
    pub(super) title: Option<String>,
    pub(super) mode: Mode,
    pub(super) inputs: Vec<UiInput>,
    /// The types of the outputs.
    pub(super) outputs: Vec<String>,
    pub(super) widgets_values: Option<Value>,
    pub(super) properties: UiProperties,
}

#[derive(Clone, Debug, Default)]
pub(super) struct UiInput {
    pub(super) name: String,
    /// What the user sees in place of the name.
    pub(super) label: Option<String>,
    pub(super) kind: String,
    pub(super) link: Option<Id>,
    pub(super) widget: Option<String>,
}

/// What is read of a node's `properties`.
#[derive(Clone, Debug, Default)]
pub(super) struct UiProperties {
    /// `Node name for S&R`, by which templates in file names call the node.
    pub(super) name: Option<String>,
    /// `[inner id, widget]` each: the widgets of a subgraph that older editors showed outside.
    pub(super) proxy_widgets: Vec<Proxy>,
    /// `Run widget replace on values`.
    pub(super) replaces_values: bool,
    /// `cnr_id`, else `aux_id`: the pack that the class is from.
    pub(super) pack: Option<String>,
    /// `ver`.
    pub(super) pack_version: Option<String>,
}

/// A widget inside of a subgraph, by the inner node's id.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) node: Id,
    pub(super) widget: String,
}

/// Why a text is no workflow of the editor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} cannot be read: {reason}")]
pub struct UiWorkflowError {
    /// Which part: `node 7 "Save" (SaveImage)`, `link 3`.
    pub place: String,
    /// What is odd about it.
    pub reason: String,
}

impl UiWorkflow {
    /// How many nodes stand on the outermost canvas.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.root.nodes.len()
    }

    /// The types of all nodes, subgraphs and group nodes included, each once, in no order: what has to be asked of
    /// `/object_info` before [`convert`](super::convert()). Some are no class of a server: notes, subgraphs.
    #[must_use]
    pub fn node_types(&self) -> Vec<&str> {
        let inner = self.subgraphs.iter().map(|subgraph| &subgraph.graph);
        let graphs = std::iter::once(&self.root).chain(inner).flat_map(|graph| &graph.nodes);
        let groups = self.group_nodes.values().flat_map(|group| &group.nodes);
        let mut types: Vec<&str> = graphs.chain(groups).map(|node| node.kind.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        types
    }
}
