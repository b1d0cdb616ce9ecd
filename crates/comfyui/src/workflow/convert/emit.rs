//! From the loaded graphs to the prompt.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::class_extras;
use super::dynamic_prompt;
use super::error::ConvertError;
use super::graph::{Graphs, Kind, Node, ROOT};
use super::id::Id;
use super::node_names::{NodeNames, title};
use super::notice::{DropReason, Notice};
use super::options::ConvertOptions;
use super::resolve::{Path, Resolver, Source, full_id};
use super::ui::Mode;
use crate::compare_node_ids;
use crate::workflow::Node as PromptNode;

/// The most nodes that a prompt may have, and the most instances of subgraphs.
pub(super) const MAX_NODES: usize = 20_000;

/// The nodes of the prompt by their full ids.
pub(super) fn emit(
    graphs: &Graphs<'_>,
    options: &ConvertOptions,
    notices: &mut Vec<Notice>,
) -> Result<IndexMap<String, PromptNode>, ConvertError> {
    let names = NodeNames::new(graphs);
    let mut emitter = Emitter {
        graphs,
        options,
        names: &names,
        resolver: Resolver::new(graphs),
        notices,
        nodes: IndexMap::new(),
        instances: 0,
    };
    emitter.graph(&mut Path::new(), ROOT)?;
    let Emitter { mut nodes, .. } = emitter;
    without_dangling(&mut nodes, notices);
    nodes.sort_unstable_by(|one, _, other, _| compare_node_ids(one, other));
    Ok(nodes)
}

struct Emitter<'g, 'd> {
    graphs: &'g Graphs<'d>,
    options: &'g ConvertOptions,
    names: &'g NodeNames<'g, 'd>,
    resolver: Resolver<'g, 'd>,
    notices: &'g mut Vec<Notice>,
    nodes: IndexMap<String, PromptNode>,
    instances: usize,
}

impl Emitter<'_, '_> {
    fn graph(&mut self, path: &mut Path, place: usize) -> Result<(), ConvertError> {
        let graphs = self.graphs;
        let Some(graph) = graphs.all.get(place) else { return Ok(()) };
        for (at, node) in graph.nodes.iter().enumerate() {
            match node.kind {
                Kind::Subgraph(subgraph) => {
                    // What is inside of an instance that does not run is left out, unless that instance is itself
                    // inside of another: the editor's own way, which nothing refers to.
                    if node.mode != Mode::Active && path.is_empty() {
                        continue;
                    }
                    self.instances += 1;
                    if self.instances > MAX_NODES {
                        return Err(ConvertError::TooManyNodes { limit: MAX_NODES });
                    }
                    path.push((at, subgraph));
                    self.graph(path, subgraph)?;
                    path.pop();
                }
                Kind::Class(_) | Kind::Unknown if node.mode == Mode::Active => self.node(path, at, node)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn node(&mut self, path: &Path, at: usize, node: &Node<'_>) -> Result<(), ConvertError> {
        if self.nodes.len() >= MAX_NODES {
            return Err(ConvertError::TooManyNodes { limit: MAX_NODES });
        }
        let id = full_id(self.graphs, path, &node.id);
        let mut inputs = IndexMap::new();
        match node.kind {
            Kind::Unknown => {
                self.unknown(node, &id);
                inputs.extend(unknown_values(node));
            }
            _ => self.values(node, &id, &mut inputs),
        }
        for (slot, input) in node.inputs.iter().enumerate().filter(|(_, input)| input.link.is_some()) {
            let reason = match self.resolver.input(path, at, slot)? {
                Source::Output(origin, output) => {
                    inputs.insert(input.name.clone(), json!([origin, output]));
                    continue;
                }
                Source::Value(Some(value)) => {
                    let widget = input.widget.and_then(|widget| node.widgets.get(widget));
                    let value = match widget {
                        Some(widget) => widget.in_prompt(value),
                        None if value.is_array() => json!({"__value__": value}),
                        None => value,
                    };
                    inputs.insert(input.name.clone(), value);
                    continue;
                }
                Source::Value(None) => continue,
                Source::Nothing => DropReason::NothingPassedOn,
                Source::Loop => DropReason::Loop,
            };
            // A subgraph's input that nothing is linked to is no loss, and a primitive's value has been written.
            if input.widget.is_none() && !self.is_open(path, node, slot) {
                let node = node.label(&id);
                self.notices.push(Notice::DroppedLink { node, input: input.name.clone(), reason });
            }
        }
        self.refuse_what_needs_the_editor(node, &id, &inputs)?;
        let mut meta = Map::new();
        if let Some(title) = title(node) {
            meta.insert("title".to_owned(), Value::from(title));
        }
        self.nodes.insert(id, PromptNode { class_type: node.class.clone(), inputs, meta });
        Ok(())
    }

    /// Whether the input leads to a subgraph's input.
    fn is_open(&self, path: &Path, node: &Node<'_>, slot: usize) -> bool {
        let graph = path.last().map_or(ROOT, |(_, subgraph)| *subgraph);
        let link = node.inputs.get(slot).and_then(|input| input.link.as_ref());
        let link = link.and_then(|link| self.graphs.all.get(graph)?.links.get(link));
        link.is_some_and(|link| link.origin.as_str() == Id::ENTRANCE)
    }

    fn unknown(&mut self, node: &Node<'_>, id: &str) {
        let label = node.label(id);
        let properties = &node.saved.properties;
        self.notices.push(if is_subgraph_id(&node.class) {
            Notice::MissingSubgraph { node: label }
        } else {
            Notice::UnknownClass {
                node: label,
                pack: properties.pack.clone(),
                pack_version: properties.pack_version.clone(),
            }
        });
    }

    /// The values of the node's own widgets.
    fn values(&self, node: &Node<'_>, id: &str, inputs: &mut IndexMap<String, Value>) {
        for widget in node.widgets.iter().filter(|widget| widget.is_emitted) {
            let Some(value) = &widget.value else { continue };
            let value = match value {
                Value::String(text) if widget.has_dynamic_prompts() => {
                    let mut pick = self.options.picker(id, &widget.name);
                    Value::from(dynamic_prompt::resolve(text, &mut pick))
                }
                Value::String(text)
                    if widget.name == "filename_prefix" && class_extras::has_filename_template(&node.class) =>
                {
                    Value::from(self.names.fill(text, self.options))
                }
                value => value.clone(),
            };
            inputs.insert(widget.name.clone(), widget.in_prompt(value));
        }
    }

    fn refuse_what_needs_the_editor(
        &self,
        node: &Node<'_>,
        id: &str,
        inputs: &IndexMap<String, Value>,
    ) -> Result<(), ConvertError> {
        if node.class == "WebcamCapture" && !inputs.get("image").is_some_and(Value::is_array) {
            return Err(ConvertError::NeedsEditor { node: node.label(id), input: "image".to_owned() });
        }
        Ok(())
    }
}

/// The values of a node whose class is not known, as the editor names them.
fn unknown_values(node: &Node<'_>) -> Vec<(String, Value)> {
    let values = node.saved.widgets_values.as_ref().and_then(Value::as_array);
    let named = values.into_iter().flatten().enumerate().map(|(at, value)| {
        let name = if at == 0 { "UNKNOWN".to_owned() } else { format!("UNKNOWN_{at}") };
        let value = match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => value.clone(),
            value => Value::from(value.to_string()),
        };
        (name, value)
    });
    named.collect()
}

/// Subgraphs have UUIDs for types.
fn is_subgraph_id(class: &str) -> bool {
    uuid::Uuid::try_parse(class).is_ok()
}

/// Takes out links to nodes that are not in the prompt.
fn without_dangling(nodes: &mut IndexMap<String, PromptNode>, notices: &mut Vec<Notice>) {
    let mut dangling = Vec::new();
    for (id, node) in &*nodes {
        for (name, value) in &node.inputs {
            let origin = value.as_array().and_then(|link| link.first()).and_then(Value::as_str);
            if origin.is_some_and(|origin| !nodes.contains_key(origin)) {
                dangling.push((id.clone(), name.clone()));
            }
        }
    }
    for (id, input) in dangling {
        let Some(node) = nodes.get_mut(&id) else { continue };
        node.inputs.shift_remove(&input);
        let title = node.title().map(str::to_owned);
        let node = crate::NodeLabel { id, title, class_type: node.class_type.clone() };
        notices.push(Notice::DroppedLink { node, input, reason: DropReason::NothingPassedOn });
    }
}
