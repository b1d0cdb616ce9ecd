use dify_plugin_protocol::limits::BACKWARDS_INVOCATION;
use dify_plugin_protocol::{BackwardsEvent, BackwardsInvocation, BackwardsResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use crate::Error;
use crate::session::Session;
use crate::way::Way;

/// Why a call back into Dify gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum InvocationError {
    /// Dify refused, in its words.
    #[error("{0}")]
    Refused(String),
    /// Dify ended the call back without a word.
    #[error("Dify gave no answer")]
    NoAnswer,
    /// Nothing came in time.
    #[error("Dify did not answer within {} seconds", BACKWARDS_INVOCATION.as_secs())]
    TimedOut,
    /// Nothing can come any more: Dify closed the connection.
    #[error("Dify does not take calls back here")]
    Disconnected,
    /// An answer of another form than expected.
    #[error("Dify gave an unexpected answer: {0}")]
    Unexpected(String),
    /// The call back could not be sent.
    #[error(transparent)]
    Unsent(Error),
}

impl From<InvocationError> for Error {
    fn from(error: InvocationError) -> Self {
        Self::failed(error.to_string())
    }
}

/// Makes a call back into Dify, on the way that the call itself came, and waits for its one response.
pub(crate) async fn call_back<R: DeserializeOwned>(
    session: &Session,
    kind: &'static str,
    request: &(impl Serialize + Sync),
) -> Result<R, InvocationError> {
    let id = Uuid::new_v4().simple().to_string();
    let request = serde_json::to_value(request).map_err(|error| InvocationError::Unexpected(error.to_string()))?;
    let invocation = BackwardsInvocation { kind: kind.into(), backwards_request_id: id.clone(), request };
    let line = session.invocation(invocation).map_err(InvocationError::Unsent)?;
    let response = async {
        match &session.way {
            Way::Lines { pending, .. } => pending.ask(session, &id, line).await,
            Way::Response { transactions, .. } => transactions.ask(session, &id, line).await,
        }
    };
    let response = timeout(BACKWARDS_INVOCATION, response).await.map_err(|_| InvocationError::TimedOut)??;
    serde_json::from_value(response).map_err(|error| InvocationError::Unexpected(error.to_string()))
}

/// What came for one call back so far.
#[derive(Debug, Default)]
pub(super) struct Answers {
    response: Option<Value>,
}

impl Answers {
    /// Takes what came next. Says the outcome once it is known.
    pub(super) fn take(&mut self, answer: BackwardsResponse) -> Option<Result<Value, InvocationError>> {
        match answer.event {
            BackwardsEvent::Response => {
                self.response = Some(answer.data);
                None
            }
            BackwardsEvent::Error => Some(Err(InvocationError::Refused(answer.message))),
            BackwardsEvent::End => Some(self.response.take().ok_or(InvocationError::NoAnswer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(event: BackwardsEvent, message: &str, data: Value) -> BackwardsResponse {
        BackwardsResponse { backwards_request_id: "1".to_owned(), event, message: message.to_owned(), data }
    }

    #[test]
    fn the_outcome_is_known_at_the_end_or_at_an_error() {
        let end = || answer(BackwardsEvent::End, "", Value::Null);
        let mut answers = Answers::default();
        assert!(answers.take(answer(BackwardsEvent::Response, "struct", json!({"a": 1}))).is_none());
        assert_eq!(answers.take(end()).unwrap().unwrap(), json!({"a": 1}));
        let refused = Answers::default().take(answer(BackwardsEvent::Error, "no", Value::Null)).unwrap().unwrap_err();
        assert!(matches!(refused, InvocationError::Refused(text) if text == "no"));
        assert!(matches!(Answers::default().take(end()), Some(Err(InvocationError::NoAnswer))));
    }
}
