//! Group nodes, which came before subgraphs, become subgraphs, as the editor turns them when it loads a file.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::id::Id;
use super::layout::layout;
use super::saved_values::SavedValues;
use super::ui::{Mode, UiGraph, UiGroup, UiInput, UiLink, UiNode, UiPort, UiSubgraph, UiWorkflow};
use crate::NodeDefinitions;

/// Gives each group node of the workflow a subgraph of its own, and makes it an instance of that.
pub(super) fn unfold(workflow: &mut UiWorkflow, definitions: &NodeDefinitions) {
    let groups = std::mem::take(&mut workflow.group_nodes);
    if groups.is_empty() {
        return;
    }
    let mut renamed = HashMap::new();
    for (number, node) in workflow.root.nodes.iter_mut().enumerate() {
        let name = node.kind.strip_prefix("workflow>").or_else(|| node.kind.strip_prefix("workflow/"));
        let Some(group) = name.and_then(|name| groups.get(name)) else { continue };
        let id = format!("group node {number}");
        let inside = Inside::new(group, node, definitions, &mut workflow.last_node_id);
        workflow.last_node_id = workflow.last_node_id.saturating_add(1);
        let instance = Id::from(workflow.last_node_id);
        renamed.insert(std::mem::replace(&mut node.id, instance.clone()), instance);
        let name = std::mem::replace(&mut node.kind, id.clone());
        node.mode = Mode::Active;
        node.widgets_values = None;
        workflow.subgraphs.push(inside.subgraph(id, name));
    }
    for link in workflow.root.links.values_mut() {
        for end in [&mut link.origin, &mut link.target] {
            if let Some(new) = renamed.get(end) {
                *end = new.clone();
            }
        }
    }
}

/// What stands inside of one group node.
struct Inside<'a> {
    group: &'a UiGroup,
    nodes: Vec<UiNode>,
    links: HashMap<Id, UiLink>,
    inputs: Vec<UiPort>,
    outputs: Vec<UiPort>,
    /// How often each name of an input was given.
    names: HashMap<String, usize>,
}

impl<'a> Inside<'a> {
    fn new(group: &'a UiGroup, node: &UiNode, definitions: &NodeDefinitions, last_node_id: &mut i64) -> Self {
        let mut inside = Self {
            group,
            nodes: group.nodes.clone(),
            links: HashMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            names: HashMap::new(),
        };
        for inner in &mut inside.nodes {
            *last_node_id = last_node_id.saturating_add(1);
            inner.id = Id::from(*last_node_id);
            for input in &mut inner.inputs {
                input.link = None;
            }
        }
        inside.link();
        let values = node.widgets_values.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut values = values.iter();
        for place in 0..inside.nodes.len() {
            inside.offer_inputs(place, definitions, &mut values);
            inside.offer_outputs(place);
        }
        inside
    }

    /// The links between the inner nodes.
    fn link(&mut self) {
        for (number, &[origin, origin_slot, target, slot]) in self.group.links.iter().enumerate() {
            let Some(origin) = self.nodes.get(origin).map(|node| node.id.clone()) else { continue };
            let Some(node) = self.nodes.get_mut(target) else { continue };
            let target = node.id.clone();
            let Some(input) = node.inputs.get_mut(slot) else { continue };
            let id = Id::from(format!("inner {number}").as_str());
            input.link = Some(id.clone());
            let origin_slot = i64::try_from(origin_slot).unwrap_or(i64::MAX);
            self.links.insert(id, UiLink { origin, origin_slot, target });
        }
    }

    /// Makes an input of each inner one that is free, and hands the group node's values to the inner widgets.
    fn offer_inputs<'v>(
        &mut self,
        place: usize,
        definitions: &NodeDefinitions,
        values: &mut impl Iterator<Item = &'v Value>,
    ) {
        let Some(node) = self.nodes.get(place).cloned() else { return };
        let mut slots: Vec<(String, String)> = Vec::new();
        let mut own = node.widgets_values.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let linked: HashSet<&str> =
            node.inputs.iter().filter(|input| input.link.is_some()).map(|input| input.name.as_str()).collect();
        if let Some(definition) = definitions.get(&node.kind) {
            let refs: Vec<&Value> = own.iter().collect();
            let mut saved = SavedValues::List { values: refs, at: 0 };
            let made = layout(&node.kind, definition, &mut saved, &[]);
            let mut given = Vec::new();
            for widget in made.widgets.iter().filter(|widget| widget.has_place) {
                let is_shown = !linked.contains(widget.name.as_str()) && self.is_visible(place, &widget.name);
                let value = if is_shown { values.next().cloned() } else { None };
                given.push(value.or_else(|| widget.value.clone()).unwrap_or_default());
                if is_shown && made.slots.iter().any(|slot| slot.name == widget.name) {
                    slots.push((widget.name.clone(), String::new()));
                }
            }
            own = given;
            slots.extend(
                made.slots.iter().filter(|it| it.widget.is_none()).map(|it| (it.name.clone(), it.kind.clone())),
            );
        } else {
            if node.kind == "PrimitiveNode"
                && let (Some(first), Some(value)) = (own.first_mut(), values.next())
            {
                *first = value.clone();
            }
            slots.extend(node.inputs.iter().map(|input| (input.name.clone(), input.kind.clone())));
        }
        for (name, kind) in slots {
            if !linked.contains(name.as_str()) && self.is_visible(place, &name) {
                self.offer_input(place, &name, &kind);
            }
        }
        if let Some(node) = self.nodes.get_mut(place) {
            node.widgets_values = Some(Value::Array(own));
        }
    }

    fn offer_input(&mut self, place: usize, input: &str, kind: &str) {
        let name = self.name_input(place, input);
        let Some(node) = self.nodes.get_mut(place) else { return };
        let link = Id::from(format!("in {}", self.inputs.len()).as_str());
        let origin_slot = i64::try_from(self.inputs.len()).unwrap_or(i64::MAX);
        let entering = UiLink { origin: Id::from(Id::ENTRANCE), origin_slot, target: node.id.clone() };
        match node.inputs.iter_mut().find(|it| it.name == input) {
            Some(input) => input.link = Some(link.clone()),
            None => node.inputs.push(UiInput {
                name: input.to_owned(),
                kind: kind.to_owned(),
                link: Some(link.clone()),
                ..UiInput::default()
            }),
        }
        self.links.insert(link.clone(), entering);
        self.inputs.push(UiPort { name, kind: kind.to_owned(), links: vec![link] });
    }

    /// What the group node calls the input of an inner node: names that were given get the node's before them.
    fn name_input(&mut self, place: usize, input: &str) -> String {
        let Some(node) = self.nodes.get(place) else { return input.to_owned() };
        let said = self.config(place, "input", input).and_then(|config| config.get("name")?.as_str());
        let label = || node.inputs.iter().find(|it| it.name == input).and_then(|it| it.label.as_deref());
        let mut name = said.or_else(label).unwrap_or(input).to_owned();
        let mut key = name.clone();
        let is_titled_primitive = node.kind == "PrimitiveNode" && node.title.is_some();
        if is_titled_primitive || self.names.contains_key(&name) {
            let prefix = node.title.as_deref().unwrap_or(&node.kind);
            name = format!("{prefix} {input}");
            key.clone_from(&name);
            if let Some(count) = self.names.get(&name) {
                name = format!("{prefix} {count} {input}");
            }
        }
        *self.names.entry(key).or_insert(1) += 1;
        name
    }

    fn offer_outputs(&mut self, place: usize) {
        let Some(node) = self.nodes.get(place) else { return };
        let mut outputs = Vec::new();
        for (slot, kind) in node.outputs.iter().enumerate() {
            let is_used = self.group.links.iter().any(|link| link[0] == place && link[1] == slot);
            let is_external = self.group.external.contains(&[place, slot]);
            let said = self.config(place, "output", &slot.to_string());
            let said = said.and_then(|config| config.get("visible")?.as_bool());
            if said.unwrap_or(!is_used || is_external) {
                outputs.push((slot, kind.clone()));
            }
        }
        for (slot, kind) in outputs {
            let link = Id::from(format!("out {}", self.outputs.len()).as_str());
            let origin_slot = i64::try_from(slot).unwrap_or(i64::MAX);
            let origin = self.nodes.get(place).map(|node| node.id.clone()).unwrap_or_default();
            self.links.insert(link.clone(), UiLink { origin, origin_slot, target: Id::from(Id::EXIT) });
            self.outputs.push(UiPort { name: kind.clone(), kind, links: vec![link] });
        }
    }

    fn is_visible(&self, place: usize, input: &str) -> bool {
        let said = self.config(place, "input", input).and_then(|config| config.get("visible")?.as_bool());
        said.unwrap_or(true)
    }

    fn config(&self, place: usize, side: &str, name: &str) -> Option<&'a Value> {
        self.group.config.get(place.to_string())?.get(side)?.get(name)
    }

    fn subgraph(self, id: String, name: String) -> UiSubgraph {
        let graph = UiGraph { nodes: self.nodes, links: self.links };
        UiSubgraph { id, name, inputs: self.inputs, outputs: self.outputs, graph }
    }
}
