//! What an input gets in the end: links through reroutes, bypassed nodes and subgraphs, up and down.

use std::collections::HashSet;

use serde_json::Value;

use super::error::ConvertError;
use super::graph::{Graph, Graphs, Kind, Node, ROOT};
use super::id::Id;
use super::ui::Mode;
use crate::NodeLabel;

/// The most steps that one conversion follows links.
const MAX_STEPS: usize = 20_000_000;

/// The instances of subgraphs that are open, outermost first: the node's place in its graph, and the subgraph.
pub(super) type Path = Vec<(usize, usize)>;

/// What an input gets.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// The output of a node that runs, by its full id.
    Output(String, i64),
    /// The value that an instance of a subgraph has for what is inside.
    Value(Option<Value>),
    /// Nothing.
    Nothing,
    /// Nothing, because it goes round in a circle.
    Loop,
}

#[derive(Debug)]
pub(super) struct Resolver<'g, 'd> {
    graphs: &'g Graphs<'d>,
    steps: usize,
}

/// Where following a link has got to.
enum At<'a> {
    /// Asked for an input of a node.
    Input { node: usize, slot: usize },
    /// Asked for an output of a node.
    Output { node: &'a Id, slot: i64 },
}

impl<'g, 'd> Resolver<'g, 'd> {
    pub(super) const fn new(graphs: &'g Graphs<'d>) -> Self {
        Self { graphs, steps: 0 }
    }

    /// What the input of the node gets, where the node stands in the subgraph that `path` leads to.
    pub(super) fn input(&mut self, from: &Path, node: usize, slot: usize) -> Result<Source, ConvertError> {
        let mut path = from.clone();
        let mut at = At::Input { node, slot };
        let mut kind = String::new();
        if let Some(input) = self.graph(&path).nodes.get(node).and_then(|node| node.inputs.get(slot)) {
            kind.clone_from(&input.kind);
        }
        // Only long ways can be circles.
        let mut seen = HashSet::new();
        let mut steps = 0_usize;
        loop {
            steps += 1;
            self.steps += 1;
            let graph = self.graph(&path);
            match at {
                At::Input { node: at_node, slot: at_slot } => {
                    if self.steps > MAX_STEPS {
                        let node = label(self.graph(from), from, self.graphs, node);
                        return Err(ConvertError::TooManySteps { node, limit: MAX_STEPS });
                    }
                    if steps > 64 && !seen.insert((path.clone(), at_node, at_slot)) {
                        return Ok(Source::Loop);
                    }
                    let input = graph.nodes.get(at_node).and_then(|node| node.inputs.get(at_slot));
                    let Some(input) = input else { return Ok(Source::Nothing) };
                    let Some(link_id) = &input.link else {
                        // An instance has a value of its own where nothing is linked.
                        return Ok(match &input.promoted {
                            Some(value) => Source::Value(value.clone()),
                            None => Source::Nothing,
                        });
                    };
                    let Some(link) = graph.links.get(link_id) else {
                        return Err(ConvertError::MissingLink {
                            node: label(graph, &path, self.graphs, at_node).into(),
                            input: input.name.clone(),
                            link: link_id.to_string(),
                        });
                    };
                    if link.origin.as_str() == Id::ENTRANCE && !path.is_empty() {
                        let Some((instance, _)) = path.pop() else { return Ok(Source::Nothing) };
                        let Ok(port) = usize::try_from(link.origin_slot) else { return Ok(Source::Nothing) };
                        // From here on the instance's own type is asked for.
                        if let Some(input) = self.graph(&path).nodes.get(instance).and_then(|it| it.inputs.get(port)) {
                            kind.clone_from(&input.kind);
                        }
                        at = At::Input { node: instance, slot: port };
                    } else {
                        at = At::Output { node: &link.origin, slot: link.origin_slot };
                    }
                }
                At::Output { node: id, slot: output } => {
                    let Some((place, node)) =
                        graph.by_id.get(id).and_then(|place| Some((*place, graph.nodes.get(*place)?)))
                    else {
                        return Err(ConvertError::MissingOrigin {
                            node: label(self.graph(from), from, self.graphs, node).into(),
                            input: self.slot_name(from, node, slot),
                            origin: full_id(self.graphs, &path, id),
                        });
                    };
                    match (node.mode, node.kind) {
                        (Mode::Muted, _) | (_, Kind::Primitive | Kind::Note) => return Ok(Source::Nothing),
                        (Mode::Active, Kind::Reroute) => {
                            let Ok(slot) = usize::try_from(output) else { return Ok(Source::Nothing) };
                            at = At::Input { node: place, slot };
                        }
                        (Mode::Bypassed, _) => {
                            let Some(slot) = passed_on(node, output, &kind) else { return Ok(Source::Nothing) };
                            if let Some(input) = node.inputs.get(slot) {
                                kind.clone_from(&input.kind);
                            }
                            at = At::Input { node: place, slot };
                        }
                        (Mode::Active, Kind::Class(_) | Kind::Unknown) => {
                            return Ok(Source::Output(full_id(self.graphs, &path, &node.id), output));
                        }
                        (Mode::Active, Kind::Subgraph(subgraph)) => {
                            let inner = self.graphs.all.get(subgraph);
                            let port = usize::try_from(output).ok().and_then(|slot| inner?.outputs.get(slot));
                            let (Some(inner), Some(port)) = (inner, port) else { return Ok(Source::Nothing) };
                            let link = port.links.first().and_then(|link| inner.links.get(link));
                            let Some(link) = link else { return Ok(Source::Nothing) };
                            if link.origin.as_str() == Id::ENTRANCE {
                                return Err(ConvertError::StraightThrough {
                                    node: label(graph, &path, self.graphs, place),
                                    output: port.name.clone(),
                                });
                            }
                            path.push((place, subgraph));
                            at = At::Output { node: &link.origin, slot: link.origin_slot };
                        }
                    }
                }
            }
        }
    }

    fn slot_name(&self, path: &Path, node: usize, slot: usize) -> String {
        let slot = self.graph(path).nodes.get(node).and_then(|node| node.inputs.get(slot));
        slot.map(|slot| slot.name.clone()).unwrap_or_default()
    }

    fn graph(&self, path: &Path) -> &'g Graph<'d> {
        let place = path.last().map_or(ROOT, |(_, subgraph)| *subgraph);
        // There always is one: the path was made from the graphs.
        self.graphs.all.get(place).unwrap_or(&self.graphs.all[ROOT])
    }
}

/// The input that a bypassed node passes on by this output, where this type is asked for.
fn passed_on(node: &Node<'_>, output: i64, asked: &str) -> Option<usize> {
    let output = usize::try_from(output).ok()?;
    let inputs = &node.inputs;
    if asked.is_empty() || asked == "*" {
        return if output < inputs.len() { Some(output) } else { (!inputs.is_empty()).then_some(0) };
    }
    let offered = node.outputs.get(output).map_or("*", String::as_str);
    if inputs.get(output).is_some_and(|input| fits(&input.kind, offered) && fits(&input.kind, asked)) {
        return Some(output);
    }
    let exact = inputs.iter().position(|input| input.kind == asked);
    exact.or_else(|| inputs.iter().position(|input| fits(&input.kind, offered) && fits(&input.kind, asked)))
}

/// Whether the editor lets slots of these types be linked.
fn fits(one: &str, other: &str) -> bool {
    let any = |kind: &str| matches!(kind, "" | "*" | "0");
    if any(one) || any(other) || one.eq_ignore_ascii_case(other) {
        return true;
    }
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    one.split(',').any(|one| other.split(',').any(|other| one == other || any(one) || any(other)))
}

/// The ids of the instances and then the node's own, with colons between.
pub(super) fn full_id(graphs: &Graphs<'_>, path: &Path, id: &Id) -> String {
    let mut full = String::new();
    let mut place = ROOT;
    for (instance, subgraph) in path {
        if let Some(node) = graphs.all.get(place).and_then(|graph| graph.nodes.get(*instance)) {
            full.push_str(node.id.as_str());
            full.push(':');
        }
        place = *subgraph;
    }
    full.push_str(id.as_str());
    full
}

pub(super) fn label(graph: &Graph<'_>, path: &Path, graphs: &Graphs<'_>, node: usize) -> NodeLabel {
    let node = graph.nodes.get(node);
    node.map_or_else(
        || NodeLabel { id: String::new(), title: None, class_type: String::new() },
        |node| node.label(&full_id(graphs, path, &node.id)),
    )
}
