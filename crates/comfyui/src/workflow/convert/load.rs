//! From the file to the graphs that the editor would have.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::graph::{Graph, Graphs, Kind, Node, Port, Slot};
use super::layout::{Layout, layout};
use super::notice::{DropReason, Notice};
use super::saved_values::SavedValues;
use super::ui::{UiGraph, UiInput, UiNode, UiPort, UiSubgraph, UiWorkflow};
use crate::{Control, NodeDefinition, NodeDefinitions};

/// The graphs, and what there is to say of each.
pub(super) fn load(workflow: UiWorkflow, definitions: &NodeDefinitions) -> (Graphs<'_>, Vec<Vec<Notice>>) {
    let UiWorkflow { root, subgraphs, .. } = workflow;
    let mut places = HashMap::new();
    let mut ports = Vec::new();
    for (at, subgraph) in subgraphs.iter().enumerate() {
        places.entry(subgraph.id.clone()).or_insert(at + 1);
        ports.push((port_types(&subgraph.inputs), port_types(&subgraph.outputs)));
    }
    let mut loader = Loader { definitions, places, ports, notices: Vec::new() };
    let mut all = vec![loader.graph(root)];
    let mut notices = vec![std::mem::take(&mut loader.notices)];
    for UiSubgraph { name, inputs, outputs, graph, .. } in subgraphs {
        let mut graph = loader.graph(graph);
        graph.name = name;
        graph.inputs = inputs.into_iter().map(port).collect();
        graph.outputs = outputs.into_iter().map(port).collect();
        all.push(graph);
        notices.push(std::mem::take(&mut loader.notices));
    }
    let mut instances = vec![Vec::new(); all.len()];
    for (graph, nodes) in all.iter().map(|graph| &graph.nodes).enumerate() {
        for (node, kind) in nodes.iter().map(|node| node.kind).enumerate() {
            if let Kind::Subgraph(subgraph) = kind
                && let Some(instances) = instances.get_mut(subgraph)
            {
                instances.push((graph, node));
            }
        }
    }
    for (graph, instances) in all.iter_mut().zip(instances) {
        graph.instances = instances;
    }
    (Graphs { all }, notices)
}

type PortTypes = Vec<(String, String)>;

fn port_types(ports: &[UiPort]) -> PortTypes {
    ports.iter().map(|port| (port.name.clone(), port.kind.clone())).collect()
}

fn port(port: UiPort) -> Port {
    Port { name: port.name, links: port.links, is_made: false }
}

struct Loader<'d> {
    definitions: &'d NodeDefinitions,
    /// Of subgraphs by id.
    places: HashMap<String, usize>,
    /// The inputs and outputs of each subgraph.
    ports: Vec<(PortTypes, PortTypes)>,
    /// Of the graph that is being loaded.
    notices: Vec<Notice>,
}

impl<'d> Loader<'d> {
    fn graph(&mut self, graph: UiGraph) -> Graph<'d> {
        let mut nodes: Vec<Node<'d>> = Vec::with_capacity(graph.nodes.len());
        let mut by_id = HashMap::new();
        for saved in graph.nodes {
            let node = self.node(saved);
            if by_id.contains_key(&node.id) {
                self.notices.push(Notice::DuplicateId { node: node.label(node.id.as_str()) });
                continue;
            }
            by_id.insert(node.id.clone(), nodes.len());
            nodes.push(node);
        }
        Graph { nodes, by_id, links: graph.links, ..Graph::default() }
    }

    fn node(&mut self, mut saved: UiNode) -> Node<'d> {
        let class = std::mem::take(&mut saved.kind);
        let kind = match class.as_str() {
            _ if self.places.contains_key(&class) => Kind::Subgraph(self.places.get(&class).copied().unwrap_or(0)),
            "Reroute" => Kind::Reroute,
            "PrimitiveNode" => Kind::Primitive,
            "Note" | "MarkdownNote" => Kind::Note,
            class => self.definitions.get(class).map_or(Kind::Unknown, Kind::Class),
        };
        let mut node = Node {
            id: saved.id.clone(),
            class,
            kind,
            mode: saved.mode,
            title: saved.title.clone(),
            widgets: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            saved,
        };
        match kind {
            Kind::Class(definition) => self.class_node(&mut node, definition),
            Kind::Subgraph(place) => self.instance(&mut node, place),
            Kind::Reroute | Kind::Unknown => {
                node.inputs = node.saved.inputs.iter().map(saved_slot).collect();
                node.outputs.clone_from(&node.saved.outputs);
            }
            Kind::Primitive | Kind::Note => {}
        }
        node
    }

    fn instance(&mut self, node: &mut Node<'d>, place: usize) {
        let Some((inputs, outputs)) = self.ports.get(place.saturating_sub(1)) else { return };
        let saved: HashMap<&str, &UiInput> =
            node.saved.inputs.iter().map(|input| (input.name.as_str(), input)).collect();
        let slot = |(name, kind): &(String, String)| Slot {
            name: name.clone(),
            kind: kind.clone(),
            link: saved.get(name.as_str()).and_then(|input| input.link.clone()),
            ..Slot::default()
        };
        node.inputs = inputs.iter().map(slot).collect();
        node.outputs = outputs.iter().map(|(_, kind)| kind.clone()).collect();
        let known: HashSet<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        let lost =
            node.saved.inputs.iter().filter(|input| input.link.is_some() && !known.contains(input.name.as_str()));
        let dropped: Vec<_> = lost.map(|input| dropped(node, &input.name)).collect();
        self.notices.extend(dropped);
    }

    fn class_node(&mut self, node: &mut Node<'d>, definition: &'d NodeDefinition) {
        let mut values = match &node.saved.widgets_values {
            Some(Value::Array(values)) => SavedValues::List { values: without_forced(values, definition), at: 0 },
            Some(Value::Object(values)) if definition.is_custom => SavedValues::Named(values),
            Some(Value::Object(values)) => SavedValues::Indexed { values, at: 0 },
            _ => SavedValues::Defaults,
        };
        let names: Vec<&str> = node.saved.inputs.iter().map(|input| input.name.as_str()).collect();
        let Layout { mut widgets, slots, combo_prefixes } = layout(&node.class, definition, &mut values, &names);
        let ignored = values.left();
        if matches!(node.class.as_str(), "KSampler" | "KSamplerAdvanced") {
            rename_sampler(&mut widgets);
        }
        node.widgets = widgets;
        let slot = |slot: super::layout::LayoutSlot| Slot {
            name: slot.name,
            kind: slot.kind,
            widget: slot.widget,
            ..Slot::default()
        };
        node.inputs = slots.into_iter().map(slot).collect();
        node.outputs = definition.outputs.iter().map(|kind| output_type(kind)).collect();
        let mut lost = Vec::new();
        let places: HashMap<String, usize> =
            node.inputs.iter().enumerate().rev().map(|(at, slot)| (slot.name.clone(), at)).collect();
        for saved in &node.saved.inputs {
            if let Some(slot) = places.get(&saved.name).and_then(|at| node.inputs.get_mut(*at)) {
                slot.link.clone_from(&saved.link);
                continue;
            }
            let widget = saved.widget.as_ref().map(|name| node.widgets.iter().position(|widget| widget.name == *name));
            let is_unchosen = combo_prefixes.iter().any(|prefix| saved.name.starts_with(prefix.as_str()));
            if is_unchosen || widget == Some(None) {
                if saved.link.is_some() {
                    lost.push(saved.name.clone());
                }
                continue;
            }
            node.inputs.push(Slot { widget: widget.flatten(), ..saved_slot(saved) });
        }
        for input in lost {
            self.notices.push(dropped(node, &input));
        }
        // Where nothing is sent, nothing can be lost: previews save what they have shown.
        if ignored > 0 && node.widgets.iter().any(|widget| widget.is_emitted) {
            self.notices.push(Notice::ValuesIgnored { node: node.label(node.id.as_str()), count: ignored });
        }
    }
}

fn dropped(node: &Node<'_>, input: &str) -> Notice {
    Notice::DroppedLink { node: node.label(node.id.as_str()), input: input.to_owned(), reason: DropReason::NoSuchInput }
}

fn saved_slot(input: &UiInput) -> Slot {
    Slot { name: input.name.clone(), kind: input.kind.clone(), link: input.link.clone(), ..Slot::default() }
}

/// What a match of types comes to is only known once it is linked.
fn output_type(kind: &str) -> String {
    if kind == "COMFY_MATCHTYPE_V3" { "*".to_owned() } else { kind.to_owned() }
}

/// Editors before 1.16 saved a value for inputs that are slots only (`forceInput`). A list of just that length has them;
/// they are taken out.
fn without_forced<'v>(values: &'v [Value], definition: &NodeDefinition) -> Vec<&'v Value> {
    let mut places = Vec::new();
    for input in &definition.inputs {
        let is_forced = input.options.force_input;
        let kind = input.options.widget_type.as_deref().unwrap_or(&input.kind);
        if !is_forced && super::widget::WidgetKind::of(kind).is_none() {
            continue;
        }
        places.push(!is_forced);
        if matches!(input.options.control, Control::On(_)) {
            places.push(!is_forced);
        }
    }
    if places.len() != values.len() {
        return values.iter().collect();
    }
    values.iter().zip(places).filter(|(_, keep)| *keep).map(|(value, _)| value).collect()
}

/// Very old files call samplers `sample_euler`.
fn rename_sampler(widgets: &mut [super::widget::Widget<'_>]) {
    let sampler = widgets.iter_mut().find(|widget| widget.name == "sampler_name");
    if let Some(Some(Value::String(name))) = sampler.map(|widget| &mut widget.value)
        && let Some(rest) = name.strip_prefix("sample_")
    {
        *name = rest.to_owned();
    }
}
