use std::sync::Arc;

use crate::backwards::PendingInvocations;
use crate::outbox::{Closed, Outbox};

/// What carries one call: where its lines go, and how it calls back into Dify.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// A connection that carries the lines of many calls, and the answers to their calls back.
    Lines {
        /// Where the lines go.
        outbox: Outbox,
        /// The calls back that wait for Dify.
        pending: Arc<PendingInvocations>,
    },
}

impl Way {
    /// Sends whole lines, each with its newline, that stay together. Waits while Dify is slow to read.
    pub(crate) async fn send(&self, lines: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Lines { outbox, .. } => outbox.send(lines).await,
        }
    }

    /// Sends the last lines of the call.
    pub(crate) async fn end(&self, lines: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Lines { outbox, .. } => outbox.send(lines).await,
        }
    }
}
