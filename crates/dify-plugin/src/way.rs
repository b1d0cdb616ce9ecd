use std::sync::Arc;

use crate::Error;
use crate::backwards::{PendingInvocations, Transactions};
use crate::outbox::{Closed, Outbox};
use crate::transport::serverless::ResponseLines;

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
    /// The HTTP request that is the call. Calls back are requests of their own.
    Response {
        /// Where the lines go.
        lines: ResponseLines,
        /// Where calls back go.
        transactions: Arc<Transactions>,
    },
}

impl Way {
    /// An empty buffer for long lines; one that was sent before, where there is one to be had.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        match self {
            Self::Lines { outbox, .. } => outbox.buffer(),
            Self::Response { .. } => Vec::new(),
        }
    }

    /// Sends whole lines, each with its newline, that stay together. Waits while Dify is slow to read.
    pub(crate) async fn send(&self, lines: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Lines { outbox, .. } => outbox.send(lines).await,
            Self::Response { lines: response, .. } => response.send(lines).await,
        }
    }

    /// Sends the last lines of the call.
    pub(crate) async fn end(&self, lines: Vec<u8>) -> Result<(), Closed> {
        match self {
            Self::Lines { outbox, .. } => outbox.send(lines).await,
            Self::Response { lines: response, .. } => response.end(lines).await,
        }
    }

    /// Resolves when the call is to be given up, with the error that the user reads. Over a connection of many calls
    /// nothing says so.
    pub(crate) async fn given_up(&self) -> Error {
        match self {
            Self::Lines { .. } => std::future::pending().await,
            Self::Response { lines, .. } => lines.given_up().await,
        }
    }
}
