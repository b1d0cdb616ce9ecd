use std::sync::atomic::{AtomicBool, Ordering};

use crate::{ClientError, ComfyUi, JobLookup, JobStatus, Sighting};

/// Looks up where a prompt is, with as few and as small answers as the server's version allows.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    no_job_route: AtomicBool,
}

impl Lookout {
    /// One look: the history first, as it decides; then the job, which is small; and the queue, which repeats every
    /// waiting workflow, only for the place in it or on servers without jobs.
    pub(super) async fn look(&self, server: &ComfyUi, prompt_id: &str) -> Result<Sighting, ClientError> {
        if let Some(record) = server.history(prompt_id).await? {
            return Ok(Sighting::Recorded(Box::new(record)));
        }
        if !self.no_job_route.load(Ordering::Relaxed) {
            match server.job(prompt_id).await? {
                JobLookup::Known(JobStatus::Pending) => {
                    // The place in the queue is worth telling, not worth failing for.
                    let ahead = server.queue().await.ok().and_then(|queue| queue.ahead_of(prompt_id));
                    return Ok(Sighting::Pending { ahead });
                }
                // Also one that has ended since the history was asked: the next look will find it there.
                JobLookup::Known(_) => return Ok(Sighting::Running),
                JobLookup::Unknown => return Ok(Sighting::Nowhere),
                JobLookup::NotSupported => self.no_job_route.store(true, Ordering::Relaxed),
            }
        }
        let queue = server.queue().await?;
        Ok(match queue.ahead_of(prompt_id) {
            Some(ahead) => Sighting::Pending { ahead: Some(ahead) },
            None if queue.is_running(prompt_id) => Sighting::Running,
            None => Sighting::Nowhere,
        })
    }
}
