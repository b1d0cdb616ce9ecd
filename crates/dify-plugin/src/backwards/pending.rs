use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use dify_plugin_protocol::BackwardsResponse;
use serde_json::Value;
use tokio::sync::mpsc;

use super::InvocationError;
use super::call_back::Answers;
use crate::session::Session;

/// Answers that may wait for one call back. The calls made here get a response and an end.
const ANSWERS: usize = 16;

/// The calls back that wait for Dify on one connection.
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

    /// Sends the line of a call back and waits for its one response.
    pub(super) async fn ask(&self, session: &Session, id: &str, line: Vec<u8>) -> Result<Value, InvocationError> {
        let (sender, mut received) = mpsc::channel(ANSWERS);
        {
            let mut state = self.state();
            if state.disconnected {
                return Err(InvocationError::Disconnected);
            }
            state.waiting.insert(id.to_owned(), sender);
        }
        let _forget = Forget { pending: self, id };
        session.send(line).await.map_err(InvocationError::Unsent)?;
        let mut answers = Answers::default();
        while let Some(answer) = received.recv().await {
            if let Some(outcome) = answers.take(answer) {
                return outcome;
            }
        }
        Err(InvocationError::Disconnected)
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
