//! From the text of the editor's file to its parts. What cannot be a workflow is an error that names the part.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::id::Id;
use super::raw::{Flexible, Text};
use super::ui::{
    Mode, Proxy, UiGraph, UiGroup, UiInput, UiLink, UiNode, UiPort, UiProperties, UiSubgraph, UiWorkflow,
    UiWorkflowError,
};
use crate::error::one_line;
use crate::python_json::without_bare_floats;

impl UiWorkflow {
    /// Reads the JSON. `NaN` and `Infinity` are read as `null`.
    ///
    /// # Errors
    /// Which part is no part of a workflow.
    pub fn parse(json: &str) -> Result<Self, UiWorkflowError> {
        let json = without_bare_floats(json.as_bytes());
        let raw: RawWorkflow<'_> = serde_json::from_slice(&json).map_err(|error| unreadable("the workflow", &error))?;
        let root = read_graph(&raw.nodes, &raw.links.0, "")?;
        let mut subgraphs = Vec::new();
        if let Some(definitions) = raw.definitions {
            read_subgraphs(&definitions, &mut subgraphs)?;
        }
        let mut group_nodes = HashMap::new();
        if let Some(extra) = raw.extra.and_then(|extra| serde_json::from_str::<RawExtra<'_>>(extra.get()).ok()) {
            for (name, group) in extra.groups {
                if let Some(group) = read_group(group)? {
                    group_nodes.insert(name, group);
                }
            }
        }
        let last_node_id = raw.last_node_id.0.as_i64().unwrap_or(0);
        let state = raw.state.and_then(|state| state.0.get("lastNodeId").and_then(Value::as_i64));
        Ok(Self { root, subgraphs, group_nodes, last_node_id: last_node_id.max(state.unwrap_or(0)) })
    }
}

#[derive(Deserialize)]
struct RawWorkflow<'a> {
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    links: RawLinks<'a>,
    #[serde(default)]
    last_node_id: Flexible<Value>,
    state: Option<Flexible<Value>>,
    #[serde(borrow)]
    definitions: Option<RawDefinitions<'a>>,
    #[serde(borrow)]
    extra: Option<&'a RawValue>,
}

/// A list; `null` and nothing are an empty one.
#[derive(Default)]
struct RawLinks<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for RawLinks<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<Vec<&'a RawValue>>::deserialize(deserializer).map(|links| Self(links.unwrap_or_default()))
    }
}

#[derive(Deserialize)]
struct RawDefinitions<'a> {
    #[serde(borrow, default)]
    subgraphs: Vec<RawSubgraph<'a>>,
}

#[derive(Deserialize)]
struct RawSubgraph<'a> {
    id: String,
    #[serde(default)]
    name: Flexible<String>,
    #[serde(default)]
    inputs: Flexible<Vec<RawPort>>,
    #[serde(default)]
    outputs: Flexible<Vec<RawPort>>,
    #[serde(borrow, default)]
    nodes: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    links: RawLinks<'a>,
    #[serde(borrow)]
    definitions: Option<Box<RawDefinitions<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPort {
    #[serde(default)]
    name: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    link_ids: Flexible<Vec<Id>>,
}

#[derive(Deserialize)]
struct RawExtra<'a> {
    #[serde(borrow, default, rename = "groupNodes")]
    groups: HashMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct RawGroup<'a> {
    #[serde(borrow)]
    nodes: Vec<&'a RawValue>,
    #[serde(default)]
    links: Vec<Vec<Value>>,
    #[serde(default)]
    external: Vec<Vec<Value>>,
    #[serde(default)]
    config: Value,
}

#[derive(Deserialize)]
struct RawNode {
    #[serde(default)]
    id: Id,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    title: Text,
    #[serde(default)]
    mode: Value,
    inputs: Option<Vec<RawInput>>,
    outputs: Option<Vec<RawOutput>>,
    widgets_values: Option<Value>,
    #[serde(default)]
    properties: Flexible<RawProperties>,
}

#[derive(Deserialize)]
struct RawInput {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    label: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    link: Option<Id>,
    #[serde(default)]
    widget: Flexible<RawWidget>,
}

#[derive(Default, Deserialize)]
struct RawWidget {
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawOutput {
    #[serde(default, rename = "type")]
    kind: Text,
}

#[derive(Default, Deserialize)]
struct RawProperties {
    #[serde(default, rename = "Node name for S&R")]
    name: Text,
    #[serde(default, rename = "proxyWidgets")]
    proxy_widgets: Flexible<Vec<Vec<Value>>>,
    #[serde(default, rename = "Run widget replace on values")]
    replaces_values: Flexible<bool>,
    #[serde(default)]
    cnr_id: Text,
    #[serde(default)]
    aux_id: Text,
    #[serde(default)]
    ver: Text,
}

fn unreadable(place: &str, error: &serde_json::Error) -> UiWorkflowError {
    UiWorkflowError { place: place.to_owned(), reason: one_line(&error.to_string(), 200) }
}

fn read_graph(nodes: &[&RawValue], links: &[&RawValue], place: &str) -> Result<UiGraph, UiWorkflowError> {
    let nodes: Result<Vec<_>, _> = nodes.iter().filter_map(|node| read_node(node, place).transpose()).collect();
    let links: Result<HashMap<_, _>, _> = links.iter().filter_map(|link| read_link(link, place).transpose()).collect();
    Ok(UiGraph { nodes: nodes?, links: links? })
}

fn read_subgraphs(raw: &RawDefinitions<'_>, subgraphs: &mut Vec<UiSubgraph>) -> Result<(), UiWorkflowError> {
    for subgraph in &raw.subgraphs {
        let name = subgraph.name.0.clone();
        let graph = read_graph(&subgraph.nodes, &subgraph.links.0, &format!(" of subgraph {:?}", one_line(&name, 40)))?;
        let port = |port: &RawPort| UiPort {
            name: port.name.0.clone(),
            kind: port.kind.0.clone(),
            links: port.link_ids.0.clone(),
        };
        subgraphs.push(UiSubgraph {
            id: subgraph.id.clone(),
            name,
            inputs: subgraph.inputs.0.iter().map(port).collect(),
            outputs: subgraph.outputs.0.iter().map(port).collect(),
            graph,
        });
        if let Some(definitions) = &subgraph.definitions {
            read_subgraphs(definitions, subgraphs)?;
        }
    }
    Ok(())
}

fn read_node(raw: &RawValue, place: &str) -> Result<Option<UiNode>, UiWorkflowError> {
    if raw.get() == "null" {
        return Ok(None);
    }
    let node: RawNode = serde_json::from_str(raw.get()).map_err(|error| {
        #[derive(Deserialize)]
        struct Name {
            #[serde(default)]
            id: Flexible<Id>,
            #[serde(default, rename = "type")]
            kind: Text,
        }
        let name = serde_json::from_str::<Name>(raw.get());
        let name = name.map_or_else(|_| "a node".to_owned(), |name| format!("node {} ({})", name.id.0, name.kind.0));
        unreadable(&format!("{}{place}", one_line(&name, 100)), &error)
    })?;
    let mode = match node.mode.as_f64() {
        Some(2.0) => Mode::Muted,
        Some(4.0) => Mode::Bypassed,
        _ => Mode::Active,
    };
    let input = |input: RawInput| UiInput {
        name: input.name.0,
        label: Some(input.label.0).filter(|label| !label.is_empty()),
        kind: input.kind.0,
        link: input.link,
        widget: input.widget.0.name,
    };
    let properties = node.properties.0;
    let said = |text: Text| Some(text.0).filter(|text| !text.is_empty());
    Ok(Some(UiNode {
        saved_id: node.id.clone(),
        id: node.id,
        kind: node.kind.0,
        title: said(node.title),
        mode,
        inputs: node.inputs.unwrap_or_default().into_iter().map(input).collect(),
        outputs: node.outputs.unwrap_or_default().into_iter().map(|output| output.kind.0).collect(),
        widgets_values: node.widgets_values,
        properties: UiProperties {
            name: said(properties.name),
            proxy_widgets: properties.proxy_widgets.0.iter().filter_map(|entry| proxy(entry)).collect(),
            replaces_values: properties.replaces_values.0,
            pack: said(properties.cnr_id).or_else(|| said(properties.aux_id)),
            pack_version: said(properties.ver),
        },
    }))
}

/// `[inner id, widget]`, and sometimes the id of a node further inside, which then belongs before the widget's name.
fn proxy(entry: &[Value]) -> Option<Proxy> {
    let node = Id::of(entry.first()?)?;
    let widget = entry.get(1)?.as_str()?;
    let widget = match entry.get(2).and_then(Id::of) {
        Some(further) => format!("{further}: {widget}"),
        None => widget.to_owned(),
    };
    Some(Proxy { node, widget })
}

fn read_link(raw: &RawValue, place: &str) -> Result<Option<(Id, UiLink)>, UiWorkflowError> {
    if raw.get() == "null" {
        return Ok(None);
    }
    #[derive(Deserialize)]
    struct Object {
        id: Id,
        origin_id: Id,
        origin_slot: Value,
        target_id: Id,
    }
    let odd = |error: &serde_json::Error| unreadable(&format!("link {}{place}", one_line(raw.get(), 60)), error);
    let (id, origin, origin_slot, target) = if raw.get().starts_with('[') {
        #[derive(Deserialize)]
        struct List(Id, Id, Value, Id);
        // The target's slot and the type follow, which are not used.
        let all: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| odd(&error))?;
        let four: Vec<&str> = all.iter().take(4).map(|raw| raw.get()).collect();
        let List(id, origin, origin_slot, target) =
            serde_json::from_str(&format!("[{}]", four.join(","))).map_err(|error| odd(&error))?;
        (id, origin, origin_slot, target)
    } else {
        let link: Object = serde_json::from_str(raw.get()).map_err(|error| odd(&error))?;
        (link.id, link.origin_id, link.origin_slot, link.target_id)
    };
    let origin_slot = slot(&origin_slot).ok_or_else(|| UiWorkflowError {
        place: format!("link {id}{place}"),
        reason: "its origin's slot is no number".to_owned(),
    })?;
    Ok(Some((id, UiLink { origin, origin_slot, target })))
}

/// A slot's number, which may stand as text.
fn slot(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn read_group(raw: &RawValue) -> Result<Option<UiGroup>, UiWorkflowError> {
    let Ok(group) = serde_json::from_str::<RawGroup<'_>>(raw.get()) else { return Ok(None) };
    let nodes: Result<Vec<_>, _> = group.nodes.iter().map(|node| read_node(node, " of a group node")).collect();
    let number = |value: &Value| slot(value).and_then(|slot| usize::try_from(slot).ok());
    let numbers = |list: &[Value]| list.iter().map_while(number).collect::<Vec<_>>();
    let links = group.links.iter().filter_map(|link| numbers(link).get(..4)?.try_into().ok()).collect();
    let external = group.external.iter().filter_map(|entry| numbers(entry).get(..2)?.try_into().ok()).collect();
    Ok(Some(UiGroup { nodes: nodes?.into_iter().flatten().collect(), links, external, config: group.config }))
}
