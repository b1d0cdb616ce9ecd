//! The graphs as the editor has them in memory after it has loaded a file.

use std::collections::HashMap;

use serde_json::Value;

use super::id::Id;
use super::ui::{Mode, UiLink, UiNode};
use super::widget::Widget;
use crate::{NodeDefinition, NodeLabel};

/// The outermost graph, and behind it the subgraphs.
#[derive(Debug)]
pub(super) struct Graphs<'d> {
    pub(super) all: Vec<Graph<'d>>,
}

/// Where the outermost one is among [`Graphs::all`].
pub(super) const ROOT: usize = 0;

#[derive(Debug, Default)]
pub(super) struct Graph<'d> {
    pub(super) name: String,
    pub(super) nodes: Vec<Node<'d>>,
    pub(super) by_id: HashMap<Id, usize>,
    pub(super) links: HashMap<Id, UiLink>,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    /// The instances of this subgraph: graph and node.
    pub(super) instances: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) links: Vec<Id>,
    /// Made out of an instance's `proxyWidgets`: no saved list of values knows it.
    pub(super) is_made: bool,
}

#[derive(Debug)]
pub(super) struct Node<'d> {
    pub(super) id: Id,
    pub(super) class: String,
    pub(super) kind: Kind<'d>,
    pub(super) mode: Mode,
    pub(super) title: Option<String>,
    pub(super) widgets: Vec<Widget<'d>>,
    pub(super) inputs: Vec<Slot>,
    /// The types of the outputs.
    pub(super) outputs: Vec<String>,
    pub(super) saved: UiNode,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'d> {
    Class(&'d NodeDefinition),
    /// An instance of the subgraph with this place in [`Graphs::all`].
    Subgraph(usize),
    Reroute,
    Primitive,
    Note,
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) link: Option<Id>,
    /// The place of the widget that the link stands in for.
    pub(super) widget: Option<usize>,
    /// Of an instance: the value of its own for what is inside; nothing inside is `undefined`.
    pub(super) promoted: Option<Option<Value>>,
}

impl<'d> Node<'d> {
    pub(super) fn label(&self, full_id: &str) -> NodeLabel {
        NodeLabel { id: full_id.to_owned(), title: self.title.clone(), class_type: self.class.clone() }
    }

    pub(super) fn widget(&self, name: &str) -> Option<&Widget<'d>> {
        self.widgets.iter().find(|widget| widget.name == name)
    }

    pub(super) fn slot(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|slot| slot.name == name)
    }

    /// Whether the slot takes a value: that of a widget, or of a widget inside.
    pub(super) fn has_value(&self, slot: &Slot) -> bool {
        slot.promoted.is_some() || slot.widget.is_some()
    }

    /// That value.
    pub(super) fn value(&self, slot: &Slot) -> Option<Value> {
        match &slot.promoted {
            Some(value) => value.clone(),
            None => self.widgets.get(slot.widget?)?.value.clone(),
        }
    }
}

impl<'d> Graph<'d> {
    pub(super) fn node(&self, id: &Id) -> Option<&Node<'d>> {
        self.nodes.get(*self.by_id.get(id)?)
    }

    /// The inputs that name this link: node and slot.
    pub(super) fn ends(&self) -> HashMap<&Id, Vec<(usize, usize)>> {
        let mut ends: HashMap<&Id, Vec<(usize, usize)>> = HashMap::new();
        for (at, node) in self.nodes.iter().enumerate() {
            for (slot, input) in node.inputs.iter().enumerate() {
                if let Some(link) = &input.link {
                    ends.entry(link).or_default().push((at, slot));
                }
            }
        }
        ends
    }

    /// The links that enter by each of the subgraph's inputs: those that the input lists, in its order, then others.
    pub(super) fn entering(&self, port: usize) -> Vec<&Id> {
        let enters = |id: &Id| {
            let link = self.links.get(id);
            link.is_some_and(|link| {
                link.origin.as_str() == Id::ENTRANCE && usize::try_from(link.origin_slot) == Ok(port)
            })
        };
        let listed = self.inputs.get(port).map(|port| port.links.as_slice()).unwrap_or_default();
        listed.iter().filter(|id| enters(id)).collect()
    }
}
