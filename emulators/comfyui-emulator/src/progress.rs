//! How far the nodes of a prompt are: ComfyUI's `ProgressRegistry` (`comfy_execution/progress.py`).

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::json_text::to_text;

#[derive(Debug)]
struct NodeProgress {
    value: Value,
    max: Value,
    state: &'static str,
    /// Where its text begins in that of the snapshot.
    begins: usize,
}

/// The progress of every node of a prompt that has started.
#[derive(Debug)]
pub(crate) struct ProgressBoard {
    prompt_id: String,
    nodes: IndexMap<String, NodeProgress>,
    /// The snapshot without what closes it. It grows with every node and is sent with every change, so what has not
    /// changed is not written again.
    snapshot: String,
}

impl ProgressBoard {
    pub(crate) fn new(prompt_id: &str) -> Self {
        let snapshot = format!("{{\"prompt_id\": {}, \"nodes\": {{", to_text(&Value::from(prompt_id)));
        Self { prompt_id: prompt_id.to_owned(), nodes: IndexMap::new(), snapshot }
    }

    pub(crate) fn start(&mut self, node_id: &str) {
        self.set(node_id, json!(0.0), json!(1.0));
    }

    pub(crate) fn update(&mut self, node_id: &str, value: u64, max: u64) {
        self.set(node_id, json!(value), json!(max));
    }

    fn set(&mut self, node_id: &str, value: Value, max: Value) {
        self.change(node_id, |progress| {
            progress.value = value;
            progress.max = max;
            progress.state = "running";
        });
    }

    /// A node that never started, because its result was cached, is finished at 1 of 1.
    pub(crate) fn finish(&mut self, node_id: &str) {
        self.change(node_id, |progress| {
            progress.value = progress.max.clone();
            progress.state = "finished";
        });
    }

    /// Changes a node, and the text from there on; what changes is nearly always the last.
    fn change(&mut self, node_id: &str, change: impl FnOnce(&mut NodeProgress)) {
        let entry = self.nodes.entry(node_id.to_owned());
        let first = entry.index();
        let begins = self.snapshot.len();
        let progress =
            entry.or_insert_with(|| NodeProgress { value: json!(0), max: json!(1), state: "running", begins });
        change(progress);
        self.snapshot.truncate(progress.begins);
        for (place, (node_id, progress)) in self.nodes.iter_mut().enumerate().skip(first) {
            progress.begins = self.snapshot.len();
            if place > 0 {
                self.snapshot.push_str(", ");
            }
            let mut node = json!({
                "value": progress.value,
                "max": progress.max,
                "state": progress.state,
                "node_id": node_id,
                "prompt_id": self.prompt_id,
            });
            if let Some(node) = node.as_object_mut() {
                node.extend(display_ids(node_id));
            }
            self.snapshot.push_str(&to_text(&Value::from(node_id.as_str())));
            self.snapshot.push_str(": ");
            self.snapshot.push_str(&to_text(&node));
        }
    }

    /// The data of a `progress_state` frame, as text: every node, not only what changed.
    pub(crate) fn snapshot(&self) -> String {
        format!("{}}}}}", self.snapshot)
    }

    /// The metadata of a preview frame.
    pub(crate) fn preview_metadata(&self, node_id: &str) -> Map<String, Value> {
        let mut metadata = Map::new();
        metadata.insert("node_id".to_owned(), Value::from(node_id));
        metadata.insert("prompt_id".to_owned(), Value::from(self.prompt_id.as_str()));
        metadata.extend(display_ids(node_id));
        metadata
    }
}

/// The emulator has no nodes that make nodes, so a node's three other ids are its own or none.
fn display_ids(node_id: &str) -> [(String, Value); 3] {
    [
        ("display_node_id".to_owned(), Value::from(node_id)),
        ("parent_node_id".to_owned(), Value::Null),
        ("real_node_id".to_owned(), Value::from(node_id)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ProgressBoard;
    use crate::json_text::to_text;

    #[test]
    fn a_snapshot_shows_every_node_as_it_is_now() {
        let mut board = ProgressBoard::new("p\"");
        assert_eq!(board.snapshot(), r#"{"prompt_id": "p\"", "nodes": {}}"#);
        board.start("1");
        board.update("1", 3, 20);
        board.finish("cached");
        board.start("3");
        board.finish("1");
        let snapshot = board.snapshot();
        let value: Value = serde_json::from_str(&snapshot).unwrap();
        assert_eq!(to_text(&value), snapshot);
        let shown: Vec<_> = value["nodes"].as_object().unwrap().iter().collect();
        let of = |place: usize| (shown[place].0.as_str(), &shown[place].1["value"], &shown[place].1["state"]);
        assert_eq!(of(0), ("1", &json!(20), &json!("finished")));
        assert_eq!(of(1), ("cached", &json!(1), &json!("finished")));
        assert_eq!(of(2), ("3", &json!(0.0), &json!("running")));
        assert_eq!(shown.len(), 3);
    }
}
