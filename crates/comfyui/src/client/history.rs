use reqwest::Method;

use super::ComfyUi;
use super::exchange::Call;
use crate::record::RawHistory;
use crate::{ClientError, ExecutionFailure, Record};

impl ComfyUi {
    /// The record of a finished prompt: `GET /history/{id}`. Nothing while it waits or runs, nor when it is unknown or
    /// was deleted.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history(&self, prompt_id: &str) -> Result<Option<Record>, ClientError> {
        let request = self.request(Method::GET, &["history", prompt_id])?;
        let mut history: RawHistory = self.json(Call::large("GET /history"), request).await?;
        Ok(history.remove(prompt_id).map(|raw| {
            if let Some(traceback) = raw.traceback() {
                tracing::debug!(prompt_id, "the run failed:\n{}", self.redact(traceback));
            }
            self.redacted(Record::from(raw))
        }))
    }

    pub(super) fn redacted_failure(&self, failure: ExecutionFailure) -> ExecutionFailure {
        ExecutionFailure { message: self.redact(failure.message), ..failure }
    }

    fn redacted(&self, record: Record) -> Record {
        let verdict = match record.verdict {
            crate::Verdict::Failed(failure) => crate::Verdict::Failed(self.redacted_failure(failure)),
            other => other,
        };
        Record { verdict, ..record }
    }
}
