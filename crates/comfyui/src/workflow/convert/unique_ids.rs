//! Inner ids that others have too get new ones: prompts call inner nodes by them, and so do older files' lists of
//! promoted widgets.

use std::collections::{HashMap, HashSet};

use super::id::Id;
use super::ui::{UiGraph, UiNode, UiWorkflow};

/// Gives each inner node an id that no node outside and in no other subgraph has.
pub(super) fn make_unique(workflow: &mut UiWorkflow) {
    let mut used: HashSet<i64> = workflow.root.nodes.iter().filter_map(|node| node.id.number()).collect();
    let mut last = workflow.last_node_id;
    let mut renamed_in: HashMap<String, HashMap<Id, Id>> = HashMap::new();
    for subgraph in &mut workflow.subgraphs {
        let mut renamed = HashMap::new();
        for node in &mut subgraph.graph.nodes {
            let Some(number) = node.id.number() else { continue };
            if used.insert(number) {
                last = last.max(number);
                continue;
            }
            loop {
                last = last.saturating_add(1);
                if used.insert(last) || last == i64::MAX {
                    break;
                }
            }
            let new = Id::from(last);
            renamed.insert(std::mem::replace(&mut node.id, new.clone()), new);
        }
        if renamed.is_empty() {
            continue;
        }
        for link in subgraph.graph.links.values_mut() {
            for end in [&mut link.origin, &mut link.target] {
                if let Some(new) = renamed.get(end) {
                    *end = new.clone();
                }
            }
        }
        renamed_in.insert(subgraph.id.clone(), renamed);
    }
    workflow.last_node_id = last;
    if renamed_in.is_empty() {
        return;
    }
    let patch = |nodes: &mut [UiNode]| {
        for node in nodes {
            let Some(renamed) = renamed_in.get(&node.kind) else { continue };
            for proxy in &mut node.properties.proxy_widgets {
                if let Some(new) = renamed.get(&proxy.node) {
                    proxy.node = new.clone();
                }
            }
        }
    };
    let UiGraph { nodes, .. } = &mut workflow.root;
    patch(nodes);
    for subgraph in &mut workflow.subgraphs {
        patch(&mut subgraph.graph.nodes);
    }
}
