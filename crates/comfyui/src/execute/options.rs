use std::fmt;
use std::time::Duration;

use crate::{ExecutionFailure, NodeError, Outputs};

/// How an execution is to be done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExecuteOptions {
    /// The longest it may take, waiting in the queue included. After that the prompt is cancelled on the server.
    pub deadline: Duration,
    /// Puts it before everything that waits.
    pub front: bool,
}

impl ExecuteOptions {
    /// Executes in turn, within `deadline`.
    #[must_use]
    pub const fn new(deadline: Duration) -> Self {
        Self { deadline, front: false }
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
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BranchBlocked(failure) => write!(f, "a branch was left out by {failure}"),
            Self::SubmitAnswerLost => f.write_str(
                "the server's answer to the submit was lost: parts of the workflow may have been left out as not valid",
            ),
        }
    }
}
