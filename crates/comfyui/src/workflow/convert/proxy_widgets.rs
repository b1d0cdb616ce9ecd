//! Older files list the widgets that a subgraph shows outside in its instances (`proxyWidgets`), and not as inputs.

use serde_json::Value;

use super::graph::{Graph, Graphs, Kind, Node, Port, Slot};
use super::id::Id;
use super::ui::{Proxy, UiLink};

/// Turns the `proxyWidgets` of each instance in this graph into inputs of its subgraph, and sets the instance's values
/// for them. The instances must have their values, and the subgraphs must have been through this.
pub(super) fn migrate(graphs: &mut Graphs<'_>, graph: usize) {
    let count = graphs.all.get(graph).map_or(0, |graph| graph.nodes.len());
    for at in 0..count {
        let Some(node) = graphs.all.get_mut(graph).and_then(|graph| graph.nodes.get_mut(at)) else { continue };
        let Kind::Subgraph(subgraph) = node.kind else { continue };
        let proxies = std::mem::take(&mut node.saved.properties.proxy_widgets);
        let values = match &node.saved.widgets_values {
            Some(Value::Array(values)) if !proxies.is_empty() => values.clone(),
            _ => Vec::new(),
        };
        let instance = Instance { graph, node: at, subgraph };
        let values = values.into_iter().map(|value| Some(value).filter(|value| !value.is_null()));
        // What each entry means is settled before the first of them changes anything.
        let mut primitives: Vec<(usize, String, Option<Value>)> = Vec::new();
        let plans: Vec<_> = proxies.into_iter().map(|proxy| (instance.plan(graphs, &proxy), proxy.widget)).collect();
        for ((plan, name), value) in plans.into_iter().zip(values.chain(std::iter::repeat(None))) {
            match plan {
                Plan::Set(port) => instance.set(graphs, port, value),
                Plan::Expose(end) => instance.expose(graphs, &[end], &name, value),
                Plan::ReplacePrimitive(node) => match primitives.iter_mut().find(|(other, ..)| *other == node) {
                    Some((_, _, earlier)) => *earlier = earlier.take().or(value),
                    None => primitives.push((node, name, value)),
                },
                Plan::Nothing => {}
            }
        }
        for (node, name, value) in primitives {
            instance.replace_primitive(graphs, node, &name, value);
        }
    }
}

/// What an entry of `proxyWidgets` comes to.
#[derive(Clone, Copy, Debug)]
enum Plan {
    /// It is an input of the subgraph already.
    Set(usize),
    /// It becomes one, which feeds this slot of that inner node in place of whatever did.
    Expose((usize, usize)),
    /// It is the value of this primitive node.
    ReplacePrimitive(usize),
    /// There is no such widget, or none that can be fed.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
struct Instance {
    graph: usize,
    node: usize,
    subgraph: usize,
}

impl Instance {
    fn plan(self, graphs: &Graphs<'_>, proxy: &Proxy) -> Plan {
        let Some(inner) = graphs.all.get(self.subgraph) else { return Plan::Nothing };
        let Some(&at) = inner.by_id.get(&proxy.node) else {
            let named = inner.inputs.iter().position(|port| proxy.node.as_str() == "-1" && port.name == proxy.widget);
            return named.map_or(Plan::Nothing, Plan::Set);
        };
        let Some(node) = inner.nodes.get(at) else { return Plan::Nothing };
        if matches!(node.kind, Kind::Primitive) {
            return Plan::ReplacePrimitive(at);
        }
        let Some(slot) = shown_slot(graphs, self.subgraph, at, &proxy.widget) else { return Plan::Nothing };
        let ports = 0..inner.inputs.len();
        let fed = ports.into_iter().find(|port| first_end(inner, *port) == Some((at, slot)));
        fed.map_or(Plan::Expose((at, slot)), Plan::Set)
    }

    /// The instance's own value for an input of its subgraph.
    fn set(self, graphs: &mut Graphs<'_>, port: usize, value: Option<Value>) {
        let node = graphs.all.get_mut(self.graph).and_then(|graph| graph.nodes.get_mut(self.node));
        if let Some(slot) = node.and_then(|node| node.inputs.get_mut(port))
            && value.is_some()
            && slot.promoted.is_some()
        {
            slot.promoted = Some(value);
        }
    }

    /// Makes a new input of the subgraph that feeds these inner slots, for all its instances.
    fn expose(self, graphs: &mut Graphs<'_>, ends: &[(usize, usize)], name: &str, value: Option<Value>) {
        let Some(inner) = graphs.all.get_mut(self.subgraph) else { return };
        let port = inner.inputs.len();
        let name = unique_name(&inner.inputs, name);
        let mut links = Vec::new();
        let mut first = None;
        for (node, slot) in ends {
            let Some(node) = inner.nodes.get_mut(*node) else { continue };
            let Some(found) = node.inputs.get(*slot) else { continue };
            if first.is_none() && node.has_value(found) {
                first = Some((node.value(found), found.kind.clone()));
            }
            let link = Id::from(format!("{}:{port}:{}", Id::ENTRANCE, links.len()).as_str());
            let target = node.id.clone();
            if let Some(slot) = node.inputs.get_mut(*slot) {
                slot.link = Some(link.clone());
            }
            let origin_slot = i64::try_from(port).unwrap_or(i64::MAX);
            let made = UiLink { origin: Id::from(Id::ENTRANCE), origin_slot, target };
            inner.links.insert(link.clone(), made);
            links.push(link);
        }
        let Some((initial, kind)) = first else { return };
        inner.inputs.push(Port { name: name.clone(), links, is_made: true });
        let instances = inner.instances.clone();
        for (graph, node) in instances {
            let Some(node) = graphs.all.get_mut(graph).and_then(|graph| graph.nodes.get_mut(node)) else { continue };
            let promoted = Some(initial.clone());
            node.inputs.push(Slot { name: name.clone(), kind: kind.clone(), promoted, ..Slot::default() });
        }
        self.set(graphs, port, value);
    }

    /// A primitive node whose value is shown outside becomes an input that feeds what the node fed, unless these take
    /// different values.
    fn replace_primitive(self, graphs: &mut Graphs<'_>, primitive: usize, name: &str, value: Option<Value>) {
        let Some(inner) = graphs.all.get(self.subgraph) else { return };
        let Some(primitive) = inner.nodes.get(primitive) else { return };
        let fed_by = |link: &Id| inner.links.get(link).is_some_and(|link| link.origin == primitive.id);
        let mut ends = Vec::new();
        let mut takes = Vec::new();
        for (at, node) in inner.nodes.iter().enumerate() {
            for (slot, input) in node.inputs.iter().enumerate().filter(|(_, it)| it.link.as_ref().is_some_and(fed_by)) {
                ends.push((at, slot));
                let widget = input.widget.and_then(|widget| node.widgets.get(widget));
                let numbers = widget.and_then(|widget| widget.input?.options.numbers.as_deref());
                takes.push((&input.kind, numbers.map(|numbers| (&numbers.min, &numbers.max, &numbers.step))));
            }
        }
        if takes.windows(2).any(|pair| pair.first() != pair.last()) {
            return;
        }
        let name = primitive.title.clone().unwrap_or_else(|| name.to_owned());
        self.expose(graphs, &ends, &name, value);
    }
}

/// The first widget that an input of the subgraph leads to: node and slot.
fn first_end(graph: &Graph<'_>, port: usize) -> Option<(usize, usize)> {
    graph.entering(port).into_iter().find_map(|link| {
        let node = *graph.by_id.get(&graph.links.get(link)?.target)?;
        let inner = graph.nodes.get(node)?;
        let is_end = |slot: &Slot| slot.link.as_ref() == Some(link) && inner.has_value(slot);
        Some((node, inner.inputs.iter().position(is_end)?))
    })
}

/// The slot of an inner node whose widget is meant. That of an instance further inside may be called
/// `<id>: <widget>`, for the widget of a node inside of it.
fn shown_slot(graphs: &Graphs<'_>, graph: usize, at: usize, widget: &str) -> Option<usize> {
    let node = graphs.all.get(graph)?.nodes.get(at)?;
    let named = |name: &str| node.inputs.iter().position(|slot| slot.name == name && node.has_value(slot));
    if let Some(slot) = named(widget) {
        return Some(slot);
    }
    let Kind::Subgraph(further) = node.kind else { return None };
    let further = graphs.all.get(further)?;
    let (id, name) = without_prefixes(widget);
    let leads_there = |port: usize| {
        let end = first_end(further, port).and_then(|(node, slot)| {
            let node = further.nodes.get(node)?;
            Some((node, node.inputs.get(slot)?))
        });
        let is_meant = |id: &str, node: &Node<'_>| node.id.as_str() == id || node.saved.saved_id.as_str() == id;
        end.is_some_and(|(node, slot)| slot.name == name && id.is_none_or(|id| is_meant(id, node)))
    };
    let has_value = |port: &usize| node.inputs.get(*port).is_some_and(|slot| node.has_value(slot));
    let by_end = (0..further.inputs.len()).find(|port| leads_there(*port) && has_value(port));
    by_end.or_else(|| named(name))
}

/// `12: seed` is the widget `seed` of node 12; of several numbers the last counts.
fn without_prefixes(widget: &str) -> (Option<&str>, &str) {
    let (mut id, mut name) = (None, widget);
    while let Some((prefix, rest)) = name.split_once(':') {
        let (prefix, rest) = (prefix.trim(), rest.trim_start());
        if prefix.is_empty() || rest.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
        (id, name) = (Some(prefix), rest);
    }
    (id, name)
}

fn unique_name(ports: &[Port], name: &str) -> String {
    let is_free = |name: &str| !ports.iter().any(|port| port.name == name);
    if is_free(name) {
        return name.to_owned();
    }
    // There are fewer ports than numbers to try.
    (1..=ports.len() + 1).map(|number| format!("{name}_{number}")).find(|name| is_free(name)).unwrap_or_default()
}
