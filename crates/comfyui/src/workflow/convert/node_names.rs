//! What nodes are called: their titles, and the names by which templates in file names find them.

use serde_json::Value;

use super::class_extras;
use super::filename_template;
use super::graph::{Graphs, Kind, Node, ROOT};
use super::id::number_text;
use super::options::ConvertOptions;

/// The title that was given, else that of a new node.
pub(super) fn title(node: &Node<'_>) -> Option<String> {
    node.title.clone().or_else(|| {
        let Kind::Class(definition) = node.kind else { return None };
        Some(class_extras::title(&node.class, definition).to_owned())
    })
}

/// All nodes in the order in which templates in file names look for them: the inside of a subgraph just before its
/// instance.
pub(super) struct NodeNames<'g, 'd> {
    nodes: Vec<&'g Node<'d>>,
}

impl<'g, 'd> NodeNames<'g, 'd> {
    pub(super) fn new(graphs: &'g Graphs<'d>) -> Self {
        let mut names = Self { nodes: Vec::new() };
        let mut seen = vec![false; graphs.all.len()];
        names.add(graphs, ROOT, &mut seen);
        names
    }

    /// The same subgraph again would only repeat its nodes.
    fn add(&mut self, graphs: &'g Graphs<'d>, place: usize, seen: &mut [bool]) {
        let (Some(graph), Some(seen_here)) = (graphs.all.get(place), seen.get_mut(place)) else { return };
        if std::mem::replace(seen_here, true) {
            return;
        }
        for node in &graph.nodes {
            if let Kind::Subgraph(subgraph) = node.kind {
                self.add(graphs, subgraph, seen);
            }
            self.nodes.push(node);
        }
    }

    pub(super) fn fill(&self, text: &str, options: &ConvertOptions) -> String {
        filename_template::fill(text, options.now, |name, widget| self.value(name, widget))
    }

    fn value(&self, name: &str, widget: &str) -> Option<String> {
        let by_name = self.nodes.iter().find(|node| node.saved.properties.name.as_deref() == Some(name));
        let node = by_name.or_else(|| self.nodes.iter().find(|node| title(node).as_deref() == Some(name)))?;
        let value = match node.widget(widget) {
            Some(widget) => widget.value.clone(),
            None => node.inputs.get(node.slot(widget)?)?.promoted.clone()?,
        };
        Some(match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(Value::Number(number)) => number_text(&number),
            Some(value) => value.to_string(),
        })
    }
}
