//! Which node runs next: ComfyUI's `ExecutionList` (`comfy_execution/graph.py`).

use std::collections::HashMap;

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};

use crate::cache::as_link;

/// The nodes that still have to run.
#[derive(Debug, Default)]
pub(crate) struct ExecutionOrder {
    /// In the order in which they were found; how many nodes each waits for.
    pending: IndexMap<String, usize>,
    /// Which nodes wait for a node.
    blocking: HashMap<String, IndexSet<String>>,
}

impl ExecutionOrder {
    /// Adds an output and everything it needs that is not cached.
    pub(crate) fn add(&mut self, output: &str, prompt: &Map<String, Value>, is_cached: &dyn Fn(&str) -> bool) {
        let mut open = vec![output.to_owned()];
        let mut links: Vec<(String, String)> = Vec::new();
        while let Some(node_id) = open.pop() {
            if self.pending.contains_key(&node_id) {
                continue;
            }
            self.pending.insert(node_id.clone(), 0);
            self.blocking.insert(node_id.clone(), IndexSet::new());
            let inputs = prompt
                .get(&node_id)
                .and_then(|node| node.get("inputs"))
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            for (_, value) in inputs {
                let Some((source, _)) = as_link(value) else { continue };
                if !is_cached(source) && prompt.contains_key(source) {
                    open.push(source.to_owned());
                    links.push((source.to_owned(), node_id.clone()));
                }
            }
        }
        for (source, node_id) in links {
            let waiting = self.blocking.entry(source).or_default();
            if waiting.insert(node_id.clone())
                && let Some(count) = self.pending.get_mut(&node_id)
            {
                *count += 1;
            }
        }
    }

    /// The next node, or `None` if none is left (or all wait for each other, which validation
    /// excludes). It stays until [`ExecutionOrder::complete`].
    ///
    /// Outputs come first, then what leads to an output in one step, then in two.
    pub(crate) fn next(&self, is_output: &dyn Fn(&str) -> bool) -> Option<String> {
        let ready: Vec<&String> = self.pending.iter().filter(|(_, count)| **count == 0).map(|(id, _)| id).collect();
        let waiting = |id: &str| self.blocking.get(id).into_iter().flatten();
        let leads_to = |id: &&&String| waiting(id).any(|next| is_output(next));
        let leads_over = |id: &&&String| waiting(id).any(|next| waiting(next).any(|after| is_output(after)));
        ready
            .iter()
            .find(|id| is_output(id))
            .or_else(|| ready.iter().find(leads_to))
            .or_else(|| ready.iter().find(leads_over))
            .or_else(|| ready.first())
            .map(|id| (*id).clone())
    }

    /// The node has run.
    pub(crate) fn complete(&mut self, node_id: &str) {
        self.pending.shift_remove(node_id);
        for next in self.blocking.remove(node_id).into_iter().flatten() {
            if let Some(count) = self.pending.get_mut(&next) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ExecutionOrder;

    fn run(prompt: &Value, outputs: &[&str], cached: &[&str]) -> Vec<String> {
        let prompt = prompt.as_object().unwrap();
        let mut order = ExecutionOrder::default();
        for output in outputs {
            order.add(output, prompt, &|id| cached.contains(&id));
        }
        let mut ran = Vec::new();
        while let Some(node) = order.next(&|id| prompt[id]["class_type"] == "Save") {
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
}
