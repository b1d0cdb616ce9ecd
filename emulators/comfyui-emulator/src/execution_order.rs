//! Which node runs next: ComfyUI's `ExecutionList` (`comfy_execution/graph.py`).

use std::collections::BTreeSet;

use indexmap::IndexSet;
use serde_json::{Map, Value};

use crate::cache::as_link;

/// How soon a node leads to something to look at. The lowest runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Output,
    LeadsToOutput,
    LeadsToWhatLeadsToOutput,
    Other,
}

/// A node that has to run; the others are known by their places in the order in which they were found.
#[derive(Debug)]
struct Pending {
    /// How many nodes it waits for.
    waits_for: usize,
    /// Which nodes wait for it.
    blocks: IndexSet<usize>,
    urgency: Urgency,
}

/// The nodes that have to run.
#[derive(Debug)]
pub(crate) struct ExecutionOrder {
    ids: IndexSet<String>,
    nodes: Vec<Pending>,
    ready: BTreeSet<(Urgency, usize)>,
}

impl ExecutionOrder {
    /// The outputs and everything they need that is not cached.
    pub(crate) fn new(
        outputs: &[String],
        prompt: &Map<String, Value>,
        is_cached: &dyn Fn(&str) -> bool,
        is_output: &dyn Fn(&str) -> bool,
    ) -> Self {
        let mut ids: IndexSet<String> = IndexSet::new();
        let mut links: Vec<(&str, usize)> = Vec::new();
        for output in outputs {
            let mut open = vec![output.as_str()];
            while let Some(node_id) = open.pop() {
                let (place, is_new) = ids.insert_full(node_id.to_owned());
                if !is_new {
                    continue;
                }
                let inputs = prompt.get(node_id).and_then(|node| node.get("inputs")).and_then(Value::as_object);
                for (_, value) in inputs.into_iter().flatten() {
                    let Some((source, _)) = as_link(value) else { continue };
                    if !is_cached(source) && prompt.contains_key(source) {
                        open.push(source);
                        links.push((source, place));
                    }
                }
            }
        }
        let mut blocks: Vec<IndexSet<usize>> = vec![IndexSet::new(); ids.len()];
        let mut waits_for = vec![0; ids.len()];
        for (source, place) in links {
            let waiting = ids.get_index_of(source).and_then(|source| blocks.get_mut(source));
            if let (Some(waiting), Some(count)) = (waiting, waits_for.get_mut(place))
                && waiting.insert(place)
            {
                *count += 1;
            }
        }
        let outputs: Vec<bool> = ids.iter().map(|id| is_output(id)).collect();
        let one_before = leading_to(&outputs, &blocks);
        let two_before = leading_to(&one_before, &blocks);
        let nodes: Vec<Pending> = waits_for
            .into_iter()
            .zip(blocks)
            .zip(outputs.into_iter().zip(one_before).zip(two_before))
            .map(|((waits_for, blocks), kind)| {
                let urgency = match kind {
                    ((true, _), _) => Urgency::Output,
                    ((_, true), _) => Urgency::LeadsToOutput,
                    (_, true) => Urgency::LeadsToWhatLeadsToOutput,
                    _ => Urgency::Other,
                };
                Pending { waits_for, blocks, urgency }
            })
            .collect();
        let is_ready = |(place, node): (usize, &Pending)| (node.waits_for == 0).then_some((node.urgency, place));
        let ready = nodes.iter().enumerate().filter_map(is_ready).collect();
        Self { ids, nodes, ready }
    }

    /// The next node, or `None` if none is left (or all wait for each other, which validation
    /// excludes). It stays until [`ExecutionOrder::complete`].
    ///
    /// Outputs come first, then what leads to an output in one step, then in two; of equals the one that was found first.
    pub(crate) fn next(&self) -> Option<String> {
        self.ready.first().and_then(|(_, place)| self.ids.get_index(*place)).cloned()
    }

    /// The node has run.
    pub(crate) fn complete(&mut self, node_id: &str) {
        let Some(place) = self.ids.get_index_of(node_id) else { return };
        let Some(node) = self.nodes.get_mut(place) else { return };
        self.ready.remove(&(node.urgency, place));
        for next in std::mem::take(&mut node.blocks) {
            let Some(node) = self.nodes.get_mut(next) else { continue };
            node.waits_for = node.waits_for.saturating_sub(1);
            if node.waits_for == 0 {
                self.ready.insert((node.urgency, next));
            }
        }
    }
}

/// Which nodes one of `these` waits for.
fn leading_to(these: &[bool], blocks: &[IndexSet<usize>]) -> Vec<bool> {
    let is_one = |place: &usize| these.get(*place).copied().unwrap_or_default();
    blocks.iter().map(|waiting| waiting.iter().any(is_one)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ExecutionOrder;

    fn run(prompt: &Value, outputs: &[&str], cached: &[&str]) -> Vec<String> {
        let prompt = prompt.as_object().unwrap();
        let outputs: Vec<String> = outputs.iter().map(|id| (*id).to_owned()).collect();
        let is_output = |id: &str| prompt[id]["class_type"] == "Save";
        let mut order = ExecutionOrder::new(&outputs, prompt, &|id| cached.contains(&id), &is_output);
        let mut ran = Vec::new();
        while let Some(node) = order.next() {
            order.complete(&node);
            ran.push(node);
        }
        ran
    }

    #[test]
    fn outputs_run_as_soon_as_they_can() {
        let prompt = json!({
            "1": {"class_type": "Load", "inputs": {}},
            "2": {"class_type": "Invert", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
            "4": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
        });
        assert_eq!(run(&prompt, &["4", "3"], &[]), ["1", "4", "2", "3"]);
        assert_eq!(run(&prompt, &["3"], &["1", "2"]), ["3"]);
        assert_eq!(run(&prompt, &["3"], &["1"]), ["2", "3"]);
    }

    #[test]
    fn what_leads_to_an_output_comes_first_and_of_equals_what_was_found_first() {
        let prompt = json!({
            "a": {"class_type": "Load", "inputs": {}},
            "b": {"class_type": "Load", "inputs": {}},
            "c": {"class_type": "Load", "inputs": {}},
            "b1": {"class_type": "Invert", "inputs": {"image": ["b", 0], "again": ["b", 0]}},
            "a1": {"class_type": "Invert", "inputs": {"image": ["a", 0]}},
            "a2": {"class_type": "Invert", "inputs": {"image": ["a1", 0]}},
            "save": {"class_type": "Save", "inputs": {"x": ["a2", 0], "y": ["b1", 0], "z": ["c", 0]}},
        });
        assert_eq!(run(&prompt, &["save"], &[]), ["c", "b", "b1", "a", "a1", "a2", "save"]);
    }
}
