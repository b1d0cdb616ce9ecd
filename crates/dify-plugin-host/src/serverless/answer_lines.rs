//! Lines of an answer, by the rules of the daemon's serverless runtime.

use serde::Deserialize;

use super::ServerlessFailure;
use crate::action::Action;
use crate::decode;
use crate::envelope::{Line, SessionLine};
use crate::failure::CallFailure;
use crate::process::decode_chunk;
use crate::session::SessionEvent;
use crate::violation::Violation;

/// What a platform under the plugin says when it fails.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RuntimeError {
    #[serde(rename = "errorType", default)]
    pub(super) error_type: String,
    #[serde(rename = "errorMessage", default)]
    pub(super) message: String,
}

/// What `line`, which is not empty, means for a call of `action`: none for what the daemon passes over.
pub(super) fn session_event(action: &Action, status: u16, line: &[u8]) -> Result<Option<SessionEvent>, CallFailure> {
    if let Ok(RuntimeError { error_type, message }) = serde_json::from_slice(line)
        && !error_type.is_empty()
    {
        return Err(ServerlessFailure::Runtime { status, error_type, message }.into());
    }
    let message = match Line::parse(line) {
        Line::Heartbeat | Line::Log(_) | Line::Violation(Violation::UnknownEvent { .. }) => return Ok(None),
        Line::Violation(violation) => return Err(CallFailure::Noise(violation)),
        Line::Session { message, .. } => message,
    };
    let (kind, data) = match message {
        SessionLine::Chunk(chunk) => return decode_chunk(action, chunk).map(Some),
        SessionLine::Undecodable(reason) => return Err(CallFailure::MessageDropped { reason }),
        SessionLine::Message(kind, data) => (kind, data),
    };
    match &*kind {
        "stream" => decode::payload(action, data.get()).map(|payload| Some(SessionEvent::Payload(payload))),
        "end" => Ok(Some(SessionEvent::End)),
        "error" => Err(match decode::error(data.get()) {
            Ok(error) => CallFailure::Plugin(error),
            Err(reason) => CallFailure::ErrorDropped { reason },
        }),
        "invoke" => Err(ServerlessFailure::InvokeInAnswer.into()),
        kind => Err(CallFailure::UnknownMessageType { kind: kind.to_owned() }),
    }
}
