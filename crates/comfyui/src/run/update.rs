use bytes::Bytes;

use crate::{ExecutionFailure, NodeLabel};

/// Something worth telling about a run that goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Update {
    /// The prompt waits.
    Queued {
        /// How many prompts run before it, the running one included.
        ahead: usize,
    },
    /// The prompt runs.
    Started,
    /// These nodes need not run, their results are at hand.
    NodesCached {
        /// The nodes.
        nodes: Vec<NodeLabel>,
    },
    /// A node begins.
    NodeStarted {
        /// The node.
        node: NodeLabel,
    },
    /// A node got on; told only when the numbers changed.
    NodeProgress {
        /// The node.
        node: NodeLabel,
        /// Steps done.
        value: f64,
        /// Steps in all.
        max: f64,
    },
    /// A node is done.
    NodeFinished {
        /// The node.
        node: NodeLabel,
    },
    /// A node blocked the branch behind it with a message; the run goes on with the others.
    BranchBlocked(ExecutionFailure),
    /// An image in the making.
    Preview(Preview),
    /// There is no WebSocket, at least for now: the run is followed by asking. Told once.
    Polling {
        /// Why.
        reason: String,
    },
    /// A text that a node shows while it runs.
    NodeText {
        /// The node.
        node: NodeLabel,
        /// The text.
        text: String,
    },
}

/// An image in the making, or, from `SaveImageWebsocket`, a result that exists nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The node, as far as it is known.
    pub node: Option<NodeLabel>,
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// The encoded image.
    pub image: Bytes,
}
