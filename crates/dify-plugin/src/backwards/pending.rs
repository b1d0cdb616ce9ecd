use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dify_plugin_protocol::limits::BACKWARDS_INVOCATION;
use dify_plugin_protocol::{BackwardsEvent, BackwardsInvocation, BackwardsResponse};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;
use uuid::Uuid;

use crate::Error;
use crate::session::Session;

/// Answers that may wait for one call back. The calls made here get a response and an end.
const ANSWERS: usize = 16;

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

/// The calls back that wait for Dify.
#[derive(Debug, Default)]
pub(crate) struct PendingInvocations {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<String, mpsc::Sender<BackwardsResponse>>,
    disconnected: bool,
}

impl PendingInvocations {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever waits for it. One for which nobody waits any more is dropped.
    pub(crate) fn answer(&self, response: BackwardsResponse) {
        let sender = self.state().waiting.get(&response.backwards_request_id).cloned();
        if let Some(sender) = sender
            && sender.try_send(response).is_err()
        {
            tracing::warn!("an answer from Dify was dropped: nobody waits for it");
        }
    }

    /// Nothing will be answered any more: whoever waits is told, and whoever asks later too.
    pub(crate) fn disconnect(&self) {
        let mut state = self.state();
        state.disconnected = true;
        state.waiting.clear();
    }

    /// Makes a call back and waits for its one response.
    pub(crate) async fn call<R: DeserializeOwned>(
        &self,
        session: &Session,
        kind: &'static str,
        request: &(impl Serialize + Sync),
    ) -> Result<R, InvocationError> {
        let id = Uuid::new_v4().simple().to_string();
        let request = serde_json::to_value(request).map_err(|error| InvocationError::Unexpected(error.to_string()))?;
        let (sender, answers) = mpsc::channel(ANSWERS);
        {
            let mut state = self.state();
            if state.disconnected {
                return Err(InvocationError::Disconnected);
            }
            state.waiting.insert(id.clone(), sender);
        }
        let _forget = Forget { pending: self, id: &id };
        let invocation = BackwardsInvocation { kind: kind.into(), backwards_request_id: id.clone(), request };
        session.invoke(invocation).await.map_err(InvocationError::Unsent)?;
        let answer =
            timeout(BACKWARDS_INVOCATION, one_response(answers)).await.map_err(|_| InvocationError::TimedOut)??;
        serde_json::from_value(answer).map_err(|error| InvocationError::Unexpected(error.to_string()))
    }
}

struct Forget<'a> {
    pending: &'a PendingInvocations,
    id: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.pending.state().waiting.remove(self.id);
    }
}

async fn one_response(mut answers: mpsc::Receiver<BackwardsResponse>) -> Result<Value, InvocationError> {
    let mut response = None;
    while let Some(answer) = answers.recv().await {
        match answer.event {
            BackwardsEvent::Response => response = Some(answer.data),
            BackwardsEvent::Error => return Err(InvocationError::Refused(answer.message)),
            BackwardsEvent::End => return response.ok_or(InvocationError::NoAnswer),
        }
    }
    Err(InvocationError::Disconnected)
}
