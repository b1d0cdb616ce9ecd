//! The values that instances of subgraphs have of their own, for widgets inside.

use serde_json::Value;

use super::graph::{Graphs, Kind};

/// Gives each instance in this graph the values of what is inside, and then its own over them. The subgraphs of the
/// instances must have been through this.
pub(super) fn promote(graphs: &mut Graphs<'_>, graph: usize) {
    let Some(nodes) = graphs.all.get(graph).map(|graph| &graph.nodes) else { return };
    let instances: Vec<(usize, usize)> = nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| if let Kind::Subgraph(subgraph) = node.kind { Some((at, subgraph)) } else { None })
        .collect();
    for (at, subgraph) in instances {
        let inner = inner_values(graphs, subgraph);
        let Some(node) = graphs.all.get_mut(graph).and_then(|graph| graph.nodes.get_mut(at)) else { continue };
        let saved = node.saved.widgets_values.as_ref().and_then(Value::as_array);
        let mut own = saved.into_iter().flatten();
        for (slot, (value, is_made)) in node.inputs.iter_mut().zip(inner) {
            slot.promoted = value;
            if let Some(value) = &mut slot.promoted
                && !is_made
                && let Some(own) = own.next()
            {
                *value = Some(own.clone());
            }
        }
    }
}

/// For each input of the subgraph: the value of the first widget that it leads to, if it leads to one.
fn inner_values(graphs: &Graphs<'_>, subgraph: usize) -> Vec<(Option<Option<Value>>, bool)> {
    let Some(graph) = graphs.all.get(subgraph) else { return Vec::new() };
    let ends = graph.ends();
    let value = |port: usize| {
        let links = graph.entering(port);
        let mut ends = links.into_iter().filter_map(|link| ends.get(link)).flatten();
        ends.find_map(|(node, slot)| {
            let node = graph.nodes.get(*node)?;
            let slot = node.inputs.get(*slot)?;
            node.has_value(slot).then(|| node.value(slot))
        })
    };
    graph.inputs.iter().enumerate().map(|(at, port)| (value(at), port.is_made)).collect()
}
