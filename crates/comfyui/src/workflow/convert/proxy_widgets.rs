//! Older files list the widgets that a subgraph shows outside in its instances (`proxyWidgets`), and not as inputs.

use serde_json::Value;

use super::graph::{Graphs, Kind, Port, Slot};
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
        for (proxy, value) in proxies.iter().zip(values.into_iter().map(Some).chain(std::iter::repeat(None))) {
            instance.migrate(graphs, proxy, value.filter(|value| !value.is_null()));
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Instance {
    graph: usize,
    node: usize,
    subgraph: usize,
}

impl Instance {
    fn migrate(self, graphs: &mut Graphs<'_>, proxy: &Proxy, value: Option<Value>) {
        let Some(inner) = graphs.all.get(self.subgraph) else { return };
        let Some(&at) = inner.by_id.get(&proxy.node) else {
            if proxy.node.as_str() == "-1" {
                self.set_by_name(graphs, &proxy.widget, value);
            }
            return;
        };
        let Some(node) = inner.nodes.get(at) else { return };
        if matches!(node.kind, Kind::Primitive) {
            let id = node.id.clone();
            return self.replace_primitive(graphs, &id, &proxy.widget, value);
        }
        let Some(slot) = shown_slot(graphs, self.subgraph, at, &proxy.widget) else { return };
        let link = node.inputs.get(slot).and_then(|slot| slot.link.clone());
        match link {
            Some(link) => {
                let link = inner.links.get(&link).filter(|link| link.origin.as_str() == Id::ENTRANCE);
                if let Some(port) = link.and_then(|link| usize::try_from(link.origin_slot).ok()) {
                    self.set(graphs, port, value);
                }
            }
            None => self.expose(graphs, &[(at, slot)], &proxy.widget, value),
        }
    }

    fn set_by_name(self, graphs: &mut Graphs<'_>, name: &str, value: Option<Value>) {
        let port = graphs.all.get(self.subgraph).and_then(|graph| graph.inputs.iter().position(|it| it.name == name));
        if let Some(port) = port {
            self.set(graphs, port, value);
        }
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

    /// A primitive node whose value is shown outside becomes an input that feeds what the node fed.
    fn replace_primitive(self, graphs: &mut Graphs<'_>, primitive: &Id, name: &str, value: Option<Value>) {
        let Some(inner) = graphs.all.get(self.subgraph) else { return };
        let fed_by = |link: &Id| inner.links.get(link).is_some_and(|link| link.origin == *primitive);
        let mut ends = Vec::new();
        for (at, node) in inner.nodes.iter().enumerate() {
            for (slot, input) in node.inputs.iter().enumerate() {
                if input.link.as_ref().is_some_and(fed_by) && node.has_value(input) {
                    ends.push((at, slot));
                }
            }
        }
        self.expose(graphs, &ends, name, value);
    }
}

/// The slot of an inner node whose widget is meant. That of an instance further inside may be called
/// `<id>: <widget>`, for the widget of a node inside of it.
fn shown_slot(graphs: &Graphs<'_>, graph: usize, at: usize, widget: &str) -> Option<usize> {
    let node = graphs.all.get(graph)?.nodes.get(at)?;
    let by_name =
        node.inputs.iter().position(|slot| slot.name == widget && node.has_value(slot)).filter(|_| !widget.is_empty());
    let Kind::Subgraph(further) = node.kind else { return by_name };
    let further_in = |id: &str, widget: &str| {
        let inner = graphs.all.get(further)?;
        let at = inner.nodes.iter().position(|node| node.id.as_str() == id || node.saved.saved_id.as_str() == id)?;
        let slot = shown_slot(graphs, further, at, widget)?;
        let link = inner.links.get(inner.nodes.get(at)?.inputs.get(slot)?.link.as_ref()?)?;
        let port = usize::try_from(link.origin_slot).ok()?;
        let slot = node.inputs.get(port).filter(|_| link.origin.as_str() == Id::ENTRANCE)?;
        node.has_value(slot).then_some(port)
    };
    let prefixed = || widget.split_once(": ").and_then(|(id, rest)| further_in(id.trim(), rest));
    by_name.or_else(prefixed)
}

fn unique_name(ports: &[Port], name: &str) -> String {
    let is_free = |name: &str| !ports.iter().any(|port| port.name == name);
    if is_free(name) {
        return name.to_owned();
    }
    // There are fewer ports than numbers to try.
    (1..=ports.len() + 1).map(|number| format!("{name}_{number}")).find(|name| is_free(name)).unwrap_or_default()
}
