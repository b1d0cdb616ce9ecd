use std::fmt;

use serde::Deserialize;

use super::one_line;
use crate::NodeLabel;

/// The most characters of an exception's message that are kept.
const MAX_MESSAGE_CHARS: usize = 1000;

/// A node that raised an exception, as `execution_error` tells it.
///
/// The values of the node's inputs are never read: they are long, and may hold the user's prompts and keys
/// (`execution.py`, `handle_execution_error`). The traceback goes to the log at debug level, and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionFailure {
    /// The node that failed. Its id can be one that the workflow does not have, when a node expanded itself.
    pub node: NodeLabel,
    /// The Python exception's class, such as `ValueError` or `torch.OutOfMemoryError`; may be empty.
    pub exception_type: String,
    /// The exception's message on one line, cut after 1,000 characters.
    pub message: String,
}

impl ExecutionFailure {
    /// Whether a node merely blocked a branch (`ExecutionBlocker` with a message): the run goes on after it.
    #[must_use]
    pub fn is_blocked_branch(&self) -> bool {
        self.exception_type == "ExecutionBlocked"
    }
}

impl fmt::Display for ExecutionFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() { "no message" } else { &self.message };
        write!(f, "{}: {message}", self.node)?;
        if self.exception_type.is_empty() || self.is_blocked_branch() {
            return Ok(());
        }
        write!(f, " [{}]", self.exception_type)
    }
}

/// The part of an `execution_error` that is read.
#[derive(Debug, Deserialize)]
pub(crate) struct RawFailure {
    #[serde(default)]
    node_id: Option<String>,
    #[serde(default)]
    node_type: Option<String>,
    #[serde(default)]
    exception_message: Option<String>,
    #[serde(default)]
    exception_type: Option<String>,
}

impl From<RawFailure> for ExecutionFailure {
    fn from(raw: RawFailure) -> Self {
        Self {
            node: NodeLabel {
                id: raw.node_id.unwrap_or_else(|| "?".to_owned()),
                title: None,
                class_type: raw.node_type.unwrap_or_default(),
            },
            exception_type: one_line(&raw.exception_type.unwrap_or_default(), 100),
            message: one_line(&raw.exception_message.unwrap_or_default(), MAX_MESSAGE_CHARS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(json: &str) -> ExecutionFailure {
        serde_json::from_str::<RawFailure>(json).unwrap().into()
    }

    #[test]
    fn it_names_the_node_and_the_message_and_never_the_inputs() {
        let failure = failure(
            r#"{"prompt_id": "p", "node_id": "2", "node_type": "ProbeFail", "exception_message": "boom: it broke\n",
                "exception_type": "ValueError", "traceback": ["File"], "current_inputs": {"key": ["s3cret"]}}"#,
        );
        assert_eq!(failure.to_string(), "node 2 (ProbeFail): boom: it broke [ValueError]");
        assert!(!format!("{failure:?}").contains("s3cret"));
    }

    #[test]
    fn nothing_in_it_is_required() {
        assert_eq!(failure("{}").to_string(), "node ?: no message");
        assert_eq!(failure(r#"{"node_id": null}"#).to_string(), "node ?: no message");
    }
}
