use std::fmt;
use std::time::Duration;

use crate::{ExecutionFailure, NodeError, NodeLabel, Outputs, SocketImage};

/// How long the server may be out of reach, unless said otherwise: as long as a restart of ComfyUI takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// How an execution is to be done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExecuteOptions {
    /// The longest it may take, waiting in the queue included. After that the prompt is cancelled on the server.
    pub deadline: Duration,
    /// Puts it before everything that waits.
    pub front: bool,
    /// How long the server may be out of reach before a run that has begun counts as lost.
    pub patience: Duration,
}

impl ExecuteOptions {
    /// Executes in turn, within `deadline`.
    #[must_use]
    pub const fn new(deadline: Duration) -> Self {
        Self { deadline, front: false, patience: PATIENCE }
    }

    /// Gives a run up after the server has been out of reach for this long; a minute unless said otherwise.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Puts it before everything that waits.
    #[must_use]
    pub const fn in_front(mut self) -> Self {
        self.front = true;
        self
    }
}

/// A run that succeeded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finished {
    /// The prompt's id on the server.
    pub prompt_id: String,
    /// What its nodes put out.
    pub outputs: Outputs,
    /// The pictures of `SaveImageWebsocket` nodes, which are in no record. In the order of the node ids.
    pub socket_images: Vec<SocketImage>,
    /// How long it was on its way and in the queue.
    pub queued: Duration,
    /// How long it ran: by the server's clock where it tells, else by ours.
    pub ran: Duration,
    /// What is wrong with the branches that did not run: the server takes a workflow as soon as one output is valid.
    pub node_errors: Vec<NodeError>,
    /// What else the user should know.
    pub warnings: Vec<Warning>,
}

/// Something about a run that succeeded which its user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A node blocked the branch behind it, so outputs are missing.
    BranchBlocked(ExecutionFailure),
    /// The answer to the submit was lost: branches may have been dropped as not valid without our knowing.
    SubmitAnswerLost,
    /// Pictures of a `SaveImageWebsocket` node did not come: the socket was not there, or broke, and the server does not
    /// keep them.
    SocketImagesMissing(NodeLabel),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BranchBlocked(failure) => write!(f, "a branch was left out by {failure}"),
            Self::SocketImagesMissing(node) => write!(
                f,
                "pictures of {node} did not arrive, because the server sends them over the WebSocket only, once, and the \
                 socket was not there or broke: use SaveImage instead"
            ),
            Self::SubmitAnswerLost => f.write_str(
                "the server's answer to the submit was lost: parts of the workflow may have been left out as not valid",
            ),
        }
    }
}
