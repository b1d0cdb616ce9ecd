use bytes::Bytes;

use crate::{ExecutionFailure, NodeLabel, Outputs};

/// One frame from ComfyUI's WebSocket, as far as a client needs it (`server.py`, `execution.py`, `protocol.py`).
///
/// Sockets see frames of other people's prompts too: compare `prompt_id` before believing one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The queue's length changed, for whomever.
    Status {
        /// Prompts waiting and running.
        queue_remaining: Option<u64>,
    },
    /// The server's answer to our feature flags.
    FeatureFlags {
        /// Whether previews will name their prompt and node ([`Event::Preview`] with a prompt id).
        supports_preview_metadata: bool,
    },
    /// The prompt left the queue.
    ExecutionStart {
        /// The prompt.
        prompt_id: String,
    },
    /// These nodes will not run, their results are at hand.
    ExecutionCached {
        /// The prompt.
        prompt_id: String,
        /// Node ids.
        nodes: Vec<String>,
    },
    /// All nodes that have begun so far, with their progress.
    ProgressState {
        /// The prompt.
        prompt_id: String,
        /// In the server's order.
        nodes: Vec<NodeProgress>,
    },
    /// A node begins.
    Executing {
        /// Missing in the frame that a socket gets on reconnecting.
        prompt_id: Option<String>,
        /// The node of the workflow.
        node: String,
    },
    /// `executing` without a node: the prompt is over, for better or worse, and is in the history.
    Over {
        /// The prompt.
        prompt_id: String,
    },
    /// A node's own progress.
    Progress {
        /// The prompt, where the server says so.
        prompt_id: Option<String>,
        /// The node, where the server says so.
        node: Option<String>,
        /// Steps done.
        value: f64,
        /// Steps in all.
        max: f64,
    },
    /// A node put something out. The history says so, too.
    Executed {
        /// The prompt.
        prompt_id: String,
        /// The node of the workflow.
        node: String,
        /// What it put out.
        outputs: Outputs,
    },
    /// Every node has run. The history entry follows a moment later.
    ExecutionSuccess {
        /// The prompt.
        prompt_id: String,
    },
    /// A node raised an exception, or blocked a branch ([`ExecutionFailure::is_blocked_branch`]).
    ExecutionError {
        /// The prompt.
        prompt_id: String,
        /// Which node, and what it said.
        failure: ExecutionFailure,
    },
    /// The prompt was interrupted.
    ExecutionInterrupted {
        /// The prompt.
        prompt_id: String,
        /// Where.
        node: Option<NodeLabel>,
    },
    /// An image in the making; also the only trace of what `SaveImageWebsocket` saves.
    Preview {
        /// Only from servers that were sent the feature flag.
        prompt_id: Option<String>,
        /// The node of the workflow, likewise.
        node: Option<String>,
        /// `image/jpeg` or `image/png`.
        media_type: &'static str,
        /// The encoded image.
        image: Bytes,
    },
    /// A line of text about a node. Often sent to everybody.
    NodeText {
        /// The node.
        node: String,
        /// The text.
        text: String,
    },
    /// A frame of a kind that says nothing about executions, or that is newer than this crate.
    Other {
        /// Its `type`, or the number of a binary frame.
        kind: String,
    },
}

/// A node within [`Event::ProgressState`].
#[derive(Clone, Debug, PartialEq)]
pub struct NodeProgress {
    /// The node of the workflow (`display_node_id`).
    pub node: String,
    /// Whether it runs or is done.
    pub state: NodeState,
    /// Steps done.
    pub value: f64,
    /// Steps in all.
    pub max: f64,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It runs.
    Running,
    /// It is done.
    Finished,
    /// Only a part of it is done, or the server uses another word.
    Other,
}

/// Why a frame could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A text frame that is no JSON object with a `type`, or lacks what that type needs.
    #[error("a text frame that cannot be read: {0}")]
    Text(String),
    /// A binary frame that ends too early or names an impossible length.
    #[error("a binary frame that cannot be read: {0}")]
    Binary(&'static str),
}
