use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use dify_plugin_protocol::limits::MAX_PLUGIN_LINE;
use dify_plugin_protocol::{BackwardsInvocation, DaemonLine, EmptyObject, PluginLine, SessionMessage};
use origin_client::{Connections, OriginError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::Error;
use crate::error::Surface;
use crate::outbox::Closed;
use crate::way::Way;

/// What all calls of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The largest file that Dify merges from chunks.
    pub(crate) merged_file_limit: u64,
    connections: OnceLock<Connections>,
}

impl Shared {
    pub(crate) const fn new(merged_file_limit: u64) -> Self {
        Self { merged_file_limit, connections: OnceLock::new() }
    }

    /// The connections to Dify's own URLs, made when a call first needs them.
    pub(crate) fn connections(&self) -> Result<&Connections, OriginError> {
        match self.connections.get() {
            Some(connections) => Ok(connections),
            None => {
                let connections = Connections::new()?;
                Ok(self.connections.get_or_init(|| connections))
            }
        }
    }
}

/// What one call says to Dify.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) surface: Surface,
    pub(crate) shared: Arc<Shared>,
    pub(crate) way: Way,
    /// Whether the answer goes to the agent of a chat, whose model reads all of it.
    pub(crate) is_read_by_a_model: bool,
    /// Whether the call is over. A task that an author left behind may still hold a reply.
    is_over: AtomicBool,
    /// Why a file stopped in the middle of its chunks, of which Dify waits for the rest.
    broken_file: OnceLock<Error>,
}

impl Session {
    pub(crate) fn new(context: &CallContext, surface: Surface, shared: Arc<Shared>, way: Way) -> Self {
        Self {
            id: context.session_id.clone(),
            surface,
            shared,
            way,
            // Of all callers these alone name a message (Dify, `api/core/agent/fc_agent_runner.py`).
            is_read_by_a_model: context.message_id.is_some(),
            is_over: AtomicBool::new(false),
            broken_file: OnceLock::new(),
        }
    }

    /// Sends a piece of the answer.
    pub(crate) async fn stream<P: Serialize + Sync>(&self, payload: &P) -> Result<(), Error> {
        let line = encode(&self.id, SessionMessage::Stream(payload))?;
        self.send(line).await
    }

    /// The line of a call back into Dify.
    pub(crate) fn invocation(&self, invocation: BackwardsInvocation) -> Result<Vec<u8>, Error> {
        self.check_not_over()?;
        encode(&self.id, SessionMessage::<()>::Invoke(invocation))
    }

    /// Remembers that a file stopped in the middle of its chunks: with it, the call can no longer end well, whatever the
    /// author makes of the error.
    pub(crate) fn break_file(&self, error: &Error) {
        // The first one says enough.
        let _ = self.broken_file.set(error.clone());
    }

    /// Ends the call, after an error if there was one.
    pub(crate) async fn end(&self, outcome: Result<(), Error>) -> Result<(), Closed> {
        self.is_over.store(true, Ordering::Relaxed);
        let outcome = outcome.and_then(|()| self.broken_file.get().map_or(Ok(()), |error| Err(error.clone())));
        let mut lines = Vec::new();
        if let Err(error) = outcome {
            let error = error.into_call_error(self.surface);
            let line = encode(&self.id, SessionMessage::<()>::Error(error)).or_else(|_| {
                let too_long =
                    Error::failed("the call failed, and so did the attempt to say why: the message is too long");
                encode(&self.id, SessionMessage::<()>::Error(too_long.into_call_error(self.surface)))
            });
            lines.extend(line.unwrap_or_default());
        }
        lines.extend(encode(&self.id, SessionMessage::<()>::End(EmptyObject {})).unwrap_or_default());
        self.way.end(lines).await
    }

    /// Sends whole lines that are encoded already.
    pub(crate) async fn send(&self, lines: Vec<u8>) -> Result<(), Error> {
        self.check_not_over()?;
        self.way.send(lines).await.map_err(|closed| Error::failed(closed.to_string()))
    }

    fn check_not_over(&self) -> Result<(), Error> {
        if self.is_over.load(Ordering::Relaxed) { Err(Error::failed("the call is over")) } else { Ok(()) }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("surface", &self.surface).finish_non_exhaustive()
    }
}

/// One line, refused when the daemon would kill the process for it.
fn encode<P: Serialize>(session_id: &str, data: SessionMessage<P>) -> Result<Vec<u8>, Error> {
    let line = PluginLine::Session { session_id: session_id.to_owned(), data };
    let mut line = serde_json::to_vec(&line).map_err(|error| Error::failed(format!("not a JSON value: {error}")))?;
    if line.len() > MAX_PLUGIN_LINE {
        return Err(Error::failed(format!(
            "a reply of {} bytes cannot be sent: Dify takes at most {MAX_PLUGIN_LINE} in one message",
            line.len()
        )));
    }
    line.push(b'\n');
    Ok(line)
}

/// Where and for whom a call is made. What Dify leaves out is `None`.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// The user; may be empty.
    pub user_id: String,
    /// The call itself.
    pub session_id: String,
    /// The conversation.
    pub conversation_id: Option<String>,
    /// The chat message.
    pub message_id: Option<String>,
    /// The app.
    pub app_id: Option<String>,
    /// The endpoint.
    pub endpoint_id: Option<String>,
    /// What else Dify says, as JSON.
    pub context: Option<Box<RawValue>>,
}

impl CallContext {
    /// Of the line that starts a call; the user is in the request itself.
    pub(crate) fn of(line: DaemonLine) -> Self {
        Self {
            user_id: String::new(),
            session_id: line.session_id,
            conversation_id: line.conversation_id,
            message_id: line.message_id,
            app_id: line.app_id,
            endpoint_id: line.endpoint_id,
            context: line.context,
        }
    }
}
