use reqwest::Method;
use serde_json::json;

use super::ComfyUi;
use super::exchange::{Call, within};
use crate::ClientError;

/// What came of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The server took the prompt out of the queue, or told it to stop. A node that is inside a long computation runs
    /// on until its next step, and one that was the last may still succeed.
    Cancelled,
    /// There was nothing to cancel: it has ended, or was never there.
    NothingToCancel,
}

impl ComfyUi {
    /// Takes the prompt out of the queue if it waits, and interrupts it if it runs; other prompts are left alone.
    ///
    /// One call on servers since 0.26.0. On older ones, delete, look, and interrupt if it runs: between the last two
    /// the prompt may end, and a server before 0.3.57, which does not read the id, would interrupt the next one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cancel(&self, prompt_id: &str) -> Result<CancelOutcome, ClientError> {
        if let Some(cancelled) = self.cancel_job(prompt_id).await? {
            return Ok(if cancelled { CancelOutcome::Cancelled } else { CancelOutcome::NothingToCancel });
        }
        let waiting = self.queue().await?.ahead_of(prompt_id).is_some();
        self.order(Call::small("POST /queue"), "queue", &json!({"delete": [prompt_id]})).await?;
        if self.queue().await?.is_running(prompt_id) {
            self.order(Call::small("POST /interrupt"), "interrupt", &json!({"prompt_id": prompt_id})).await?;
            return Ok(CancelOutcome::Cancelled);
        }
        Ok(if waiting { CancelOutcome::Cancelled } else { CancelOutcome::NothingToCancel })
    }

    /// A call that is answered with an empty body.
    async fn order(&self, call: Call, route: &str, body: &serde_json::Value) -> Result<(), ClientError> {
        let request = self.request(Method::POST, &[route])?.json(body);
        within(call, async { self.success(call, request).await.map(drop) }).await
    }
}
