//! What has run.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::queue::QueueItem;

/// The most entries that are kept, as in ComfyUI's `execution.py`; the oldest goes first.
const MAX_ENTRIES: usize = 10_000;

/// A prompt that has run.
#[derive(Debug, Clone)]
pub(crate) struct HistoryEntry {
    pub(crate) item: Arc<QueueItem>,
    pub(crate) outputs: Map<String, Value>,
    pub(crate) meta: Map<String, Value>,
    pub(crate) success: bool,
    /// `[event, data]` each, as they went out.
    pub(crate) messages: Vec<Value>,
}

impl HistoryEntry {
    /// `success` or `error`; interrupted is an error.
    pub(crate) fn status_str(&self) -> &'static str {
        if self.success { "success" } else { "error" }
    }

    /// The `status` of the entry.
    pub(crate) fn status(&self) -> Value {
        json!({
            "status_str": self.status_str(),
            "completed": self.success,
            "messages": self.messages,
        })
    }

    /// As `/history` shows it.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "prompt": self.item.to_json(),
            "outputs": self.outputs,
            "status": self.status(),
            "meta": self.meta,
        })
    }
}

/// All prompts that have run, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: IndexMap<String, HistoryEntry>,
}

impl History {
    pub(crate) fn insert(&mut self, entry: HistoryEntry) {
        if self.entries.len() > MAX_ENTRIES {
            self.entries.shift_remove_index(0);
        }
        self.entries.insert(entry.item.prompt_id.clone(), entry);
    }

    pub(crate) fn get(&self, prompt_id: &str) -> Option<&HistoryEntry> {
        self.entries.get(prompt_id)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &HistoryEntry> {
        self.entries.values()
    }

    /// The newest `max_items`; with an `offset` of at least 0 it counts from the oldest.
    pub(crate) fn page(&self, max_items: Option<i64>, offset: i64) -> Map<String, Value> {
        let length = i64::try_from(self.entries.len()).unwrap_or(i64::MAX);
        let offset = match max_items {
            Some(max_items) if offset < 0 => length.saturating_sub(max_items),
            _ => offset,
        };
        let first = usize::try_from(offset.max(0)).unwrap_or(usize::MAX);
        let most = max_items.map_or(usize::MAX, |most| {
            // The real server looks at the length only after it has added one.
            usize::try_from(most.max(1)).unwrap_or(usize::MAX)
        });
        self.entries
            .iter()
            .skip(first)
            .take(most)
            .map(|(prompt_id, entry)| (prompt_id.clone(), entry.to_json()))
            .collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn delete(&mut self, prompt_id: &str) {
        self.entries.shift_remove(prompt_id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;

    use super::{History, HistoryEntry};
    use crate::queue::{PromptNumber, QueueItem};

    fn history(names: &[&str]) -> History {
        let mut history = History::default();
        for name in names {
            history.insert(HistoryEntry {
                item: Arc::new(QueueItem {
                    number: PromptNumber(0.into()),
                    prompt_id: (*name).to_owned(),
                    prompt: Map::new(),
                    extra_data: Map::new(),
                    outputs: Vec::new(),
                }),
                outputs: Map::new(),
                meta: Map::new(),
                success: true,
                messages: Vec::new(),
            });
        }
        history
    }

    /// The pages a real server gave (its transcript of `/history`).
    #[test]
    fn pages_are_those_of_the_real_server() {
        let history = history(&["a", "b", "c", "d"]);
        let page = |max_items, offset| history.page(max_items, offset).keys().cloned().collect::<Vec<_>>().join("");
        assert_eq!(page(None, -1), "abcd");
        assert_eq!(page(Some(2), -1), "cd");
        assert_eq!(page(Some(2), -5), "cd");
        assert_eq!(page(Some(2), 0), "ab");
        assert_eq!(page(Some(2), 1), "bc");
        assert_eq!(page(None, 2), "cd");
        assert_eq!(page(Some(1), 9_999), "");
        assert_eq!(page(Some(0), -1), "");
        assert_eq!(page(Some(-1), -1), "");
    }
}
