use std::fmt;

use reqwest::Method;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ComfyUi;
use super::exchange::Call;
use crate::ClientError;

/// `GET /queue`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Queue {
    /// What runs: one prompt, or none.
    #[serde(rename = "queue_running", default)]
    pub running: Vec<QueueItem>,
    /// What waits, in no useful order: the one with the lowest number runs first.
    #[serde(rename = "queue_pending", default)]
    pub pending: Vec<QueueItem>,
}

/// A prompt in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueItem {
    /// Its rank, negative for one that was put in front.
    pub number: f64,
    /// Its id.
    pub prompt_id: String,
}

impl Queue {
    /// Whether the prompt runs.
    #[must_use]
    pub fn is_running(&self, prompt_id: &str) -> bool {
        self.running.iter().any(|item| item.prompt_id == prompt_id)
    }

    /// How many prompts come before this one, the running one included; nothing if it does not wait.
    #[must_use]
    pub fn ahead_of(&self, prompt_id: &str) -> Option<usize> {
        let number = self.pending.iter().find(|item| item.prompt_id == prompt_id)?.number;
        Some(self.running.len() + self.pending.iter().filter(|item| item.number < number).count())
    }
}

/// An item is a list `[number, prompt_id, prompt, extra_data, outputs_to_execute, …]`, of which only the beginning is
/// read: the rest repeats whole workflows.
impl<'de> Deserialize<'de> for QueueItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Item;
        impl<'de> Visitor<'de> for Item {
            type Value = QueueItem;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list that begins with a number and a prompt id")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<QueueItem, A::Error> {
                let missing = |index| serde::de::Error::invalid_length(index, &self);
                let number = list.next_element()?.ok_or_else(|| missing(0))?;
                let prompt_id = list.next_element()?.ok_or_else(|| missing(1))?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(QueueItem { number, prompt_id })
            }
        }
        deserializer.deserialize_seq(Item)
    }
}

impl ComfyUi {
    /// What runs and what waits: `GET /queue`. The server sends every waiting workflow whole; at most 64 MiB are read.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn queue(&self) -> Result<Queue, ClientError> {
        self.json(Call::large("GET /queue"), self.request(Method::GET, &["queue"])?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_in_the_queue_goes_by_number() {
        let queue: Queue = serde_json::from_str(
            r#"{"queue_running": [[123, "r", {}, {}, [], {"more": 1}]],
                "queue_pending": [[-48, "a", {}], [43, "b"], [-47.5, "c"], [1.5, "d", {"1": {}}, {}, []]]}"#,
        )
        .unwrap();
        assert!(queue.is_running("r") && !queue.is_running("a"));
        assert_eq!(queue.ahead_of("a"), Some(1));
        assert_eq!(queue.ahead_of("c"), Some(2));
        assert_eq!(queue.ahead_of("d"), Some(3));
        assert_eq!(queue.ahead_of("b"), Some(4));
        assert_eq!(queue.ahead_of("r"), None);
    }

    #[test]
    fn an_item_that_is_too_short_is_an_error() {
        assert!(serde_json::from_str::<QueueItem>("[1]").is_err());
        assert!(serde_json::from_str::<QueueItem>("{}").is_err());
    }
}
