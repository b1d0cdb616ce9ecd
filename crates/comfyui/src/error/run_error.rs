use std::time::Duration;

use crate::{ClientError, ExecutionFailure, NodeLabel, Outputs};

/// Why an execution gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The prompt was not accepted, or a call failed for good.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A node raised an exception.
    #[error("the run failed at {failure}")]
    Failed {
        /// Which node, and what it said.
        failure: Box<ExecutionFailure>,
        /// What other nodes had made before.
        outputs: Box<Outputs>,
    },
    /// Somebody interrupted the run on the server.
    #[error("the run was interrupted on the server{}", at(node.as_ref()))]
    Interrupted {
        /// Where, when the server said so.
        node: Option<NodeLabel>,
    },
    /// The server knows nothing of the prompt any more.
    #[error(
        "the server no longer knows the run: it was deleted from the queue or the history, or ComfyUI was restarted"
    )]
    Deleted,
    /// The deadline passed.
    #[error("the run did not finish within {} s; {}", after.as_secs_f64().ceil(), cancelling(*cancelled))]
    DeadlinePassed {
        /// The time that was given.
        after: Duration,
        /// Whether the server took the order to cancel the prompt.
        cancelled: bool,
    },
    /// The prompt was accepted, and then the server could not be asked about it any more.
    #[error("the run was started, but the server stopped answering: {}", source.brief())]
    Lost {
        /// What the last call gave.
        source: ClientError,
    },
}

fn at(node: Option<&NodeLabel>) -> String {
    node.map(|node| format!(" at {node}")).unwrap_or_default()
}

const fn cancelling(cancelled: bool) -> &'static str {
    if cancelled { "it was cancelled on the server" } else { "it could not be cancelled and may still be running" }
}
