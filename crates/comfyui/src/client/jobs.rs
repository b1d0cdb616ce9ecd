use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::ComfyUi;
use super::exchange::{Call, within};
use crate::ClientError;

/// Where a job stands, in the words of `GET /api/jobs/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobStatus {
    /// It waits.
    Pending,
    /// It runs.
    InProgress,
    /// It is in the history as a success.
    Completed,
    /// It is in the history as a failure.
    Failed,
    /// It is in the history as interrupted.
    Cancelled,
    /// A word this crate does not know.
    Other(String),
}

/// What `GET /api/jobs/{id}` says of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobLookup {
    /// The server knows it.
    Known(JobStatus),
    /// The server does not know it: it is neither in the queue nor in the history.
    Unknown,
    /// The server has no such route: ComfyUI before 0.6.0, or a path prefix that ends in `/api`.
    NotSupported,
}

#[derive(Deserialize)]
struct RawJob {
    status: String,
}

/// `{"error": "Job not found"}`. Gateways that answer 404 in JSON use other words.
#[derive(Deserialize)]
struct RawUnknown {
    #[serde(rename = "error")]
    _error: String,
}

#[derive(Deserialize)]
struct RawCancelled {
    cancelled: bool,
}

impl ComfyUi {
    /// Where a prompt stands, wherever it is: `GET /api/jobs/{id}`, since ComfyUI 0.6.0.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn job(&self, prompt_id: &str) -> Result<JobLookup, ClientError> {
        let call = Call::large("GET /api/jobs");
        let request = self.request(Method::GET, &["api", "jobs", prompt_id])?;
        within(call, async {
            let response = request.send().await.map_err(|error| self.transport(&error))?;
            if response.status() == StatusCode::NOT_FOUND {
                // The route's own 404 has an error text; that of a server without the route is empty.
                let body = self.body(call, response).await?;
                let unknown = serde_json::from_slice::<RawUnknown>(&body).is_ok();
                return Ok(if unknown { JobLookup::Unknown } else { JobLookup::NotSupported });
            }
            if !response.status().is_success() {
                return Err(self.refusal(call, response).await);
            }
            let body = self.body(call, response).await?;
            let job: RawJob = self.parse(call, &body)?;
            Ok(JobLookup::Known(match job.status.as_str() {
                "pending" => JobStatus::Pending,
                "in_progress" => JobStatus::InProgress,
                "completed" => JobStatus::Completed,
                "failed" => JobStatus::Failed,
                "cancelled" => JobStatus::Cancelled,
                other => JobStatus::Other(other.chars().take(40).collect()),
            }))
        })
        .await
    }

    /// `POST /api/jobs/{id}/cancel`, since ComfyUI 0.26.0: whether there was something to cancel, or nothing if the
    /// server has no such route.
    pub(super) async fn cancel_job(&self, prompt_id: &str) -> Result<Option<bool>, ClientError> {
        let call = Call::small("POST /api/jobs/cancel");
        let request = self.request(Method::POST, &["api", "jobs", prompt_id, "cancel"])?;
        within(call, async {
            let response = request.send().await.map_err(|error| self.transport(&error))?;
            // An unknown path is 404 for GET and 405 for POST.
            if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) {
                return Ok(None);
            }
            if !response.status().is_success() {
                return Err(self.refusal(call, response).await);
            }
            let body = self.body(call, response).await?;
            let answer: RawCancelled = self.parse(call, &body)?;
            Ok(Some(answer.cancelled))
        })
        .await
    }
}
