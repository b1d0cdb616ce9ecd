use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::look::Lookout;
use super::submission::{Taken, submit};
use crate::{ClientError, ComfyUi, NodeError, Sighting, SubmitOptions, Workflow};

/// Between two looks while waiting: from the first to the second, doubling.
const BETWEEN_LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How often in a row a prompt must be nowhere before it counts as unknown: it may be on its way from the queue to the
/// history.
const NOWHERE_TIMES: u32 = 2;

/// A prompt that is left to run by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Enqueued {
    /// Its id.
    pub prompt_id: String,
    /// What is wrong with the branches that will not run.
    pub node_errors: Vec<NodeError>,
    /// Whether the server's answer was lost and the prompt was found by its id: branches may have been dropped then
    /// without our knowing.
    pub answer_lost: bool,
}

impl ComfyUi {
    /// Puts a workflow into the queue and leaves it to run. A lost answer is looked up before the prompt is sent again,
    /// as [`execute`](Self::execute) does.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] when the workflow is not valid, [`ClientError`] otherwise.
    pub async fn enqueue(&self, workflow: &Workflow) -> Result<Enqueued, ClientError> {
        let prompt_id = Uuid::new_v4().to_string();
        // The events of a prompt without a client go to everybody; those of a client that is not there, to nobody.
        let client_id = Some(Uuid::new_v4().to_string());
        let options = SubmitOptions { prompt_id: Some(prompt_id.clone()), client_id, front: false };
        Ok(match submit(self, &Lookout::default(), workflow, &prompt_id, options).await? {
            Taken::Answered(taken) => {
                Enqueued { prompt_id: taken.prompt_id, node_errors: taken.node_errors, answer_lost: false }
            }
            Taken::Found => Enqueued { prompt_id, node_errors: Vec::new(), answer_lost: true },
        })
    }

    /// Where a prompt is, as the history, the jobs and the queue tell; waits up to `patience` for it to end.
    ///
    /// # Errors
    /// [`ClientError`] of the last look, when the server cannot be asked.
    pub async fn find(&self, prompt_id: &str, patience: Duration) -> Result<Sighting, ClientError> {
        let begun = Instant::now();
        let lookout = Lookout::default();
        let mut wait = BETWEEN_LOOKS.0;
        let mut nowhere = 0;
        loop {
            let seen = lookout.look(self, prompt_id).await;
            match &seen {
                Ok(Sighting::Recorded(_)) => return seen,
                Ok(Sighting::Nowhere) => nowhere += 1,
                Ok(_) => nowhere = 0,
                Err(error) if !error.is_temporary() => return seen,
                Err(_) => {}
            }
            let in_doubt = (1..NOWHERE_TIMES).contains(&nowhere);
            if !in_doubt && (nowhere > 0 || begun.elapsed() >= patience) {
                return seen;
            }
            sleep(if in_doubt { BETWEEN_LOOKS.0 } else { wait.min(patience.saturating_sub(begun.elapsed())) }).await;
            wait = wait.saturating_mul(2).min(BETWEEN_LOOKS.1);
        }
    }
}
