//! What a plugin writes outside of any open call, and should not.

/// Most that are remembered.
const REMEMBERED: usize = 256;
/// Most characters of a line that are kept.
const EXCERPT: usize = 200;

/// Something on standard output that belongs to no open call and is no heartbeat or log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Not a line of the protocol. The daemon logs and ignores it; slim and serverless fail the call.
    #[error("not a line of the protocol ({reason}): {line}")]
    NotProtocol {
        /// The line, or its beginning.
        line: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An `error` event. It ends no call; slim and serverless fail the call.
    #[error("an `error` event, which ends no call: {data}")]
    ErrorEvent {
        /// What it says, or its beginning.
        data: String,
    },
    /// An event that the daemon does not know, and ignores.
    #[error("unknown event `{event}`, which the daemon ignores")]
    UnknownEvent {
        /// The event.
        event: String,
    },
    /// A message for a call that was never made; the daemon drops it.
    #[error("a message of type `{kind}` for a call that was never made: {session_id}")]
    UnknownSession {
        /// As the plugin wrote it.
        session_id: String,
        /// Type of the message.
        kind: String,
    },
    /// A message after the end of its call; the daemon drops it.
    #[error("a message of type `{kind}` after the `end` of call {session_id}")]
    AfterEnd {
        /// The call.
        session_id: String,
        /// Type of the message.
        kind: String,
    },
}

/// The beginning of a text from the plugin, fit for an error.
pub(crate) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..4 * EXCERPT).unwrap_or(text));
    text.chars().take(EXCERPT).collect()
}

/// What a process did, the first of it.
#[derive(Debug, Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    pub(crate) fn add(&mut self, violation: Violation) {
        if self.0.len() < REMEMBERED {
            self.0.push(violation);
        }
    }

    pub(crate) fn list(&self) -> Vec<Violation> {
        self.0.clone()
    }
}
