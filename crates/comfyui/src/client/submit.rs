use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::ComfyUi;
use super::exchange::{Call, SMALL_ANSWER, within};
use crate::error::{RawNodeErrors, RawRejection};
use crate::{ClientError, NodeError, Workflow};

/// Validation reads model lists from disks that may be slow.
const SUBMIT_DEADLINE: Duration = Duration::from_secs(60);

/// How a workflow is submitted.
#[derive(Clone, Debug, Default)]
pub struct SubmitOptions {
    /// The prompt's id; since ComfyUI 0.25.0 it must be a UUID in lower case. The server picks one if there is none.
    pub prompt_id: Option<String>,
    /// The client id of the socket that is to get the events.
    pub client_id: Option<String>,
    /// Puts it before everything that waits.
    pub front: bool,
}

/// A prompt that the server has taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// Its id.
    pub prompt_id: String,
    /// Its rank in the queue: the lowest runs first.
    pub number: f64,
    /// What is wrong with the branches that will not run: the server takes a workflow as soon as one output is valid.
    pub node_errors: Vec<NodeError>,
}

#[derive(Serialize)]
struct Body<'a> {
    prompt: &'a Workflow,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    front: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_data: Option<ExtraData<'a>>,
}

#[derive(Serialize)]
struct ExtraData<'a> {
    api_key_comfy_org: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    prompt_id: String,
    #[serde(default)]
    number: f64,
    #[serde(default)]
    node_errors: RawNodeErrors,
}

impl ComfyUi {
    /// Puts a workflow into the queue: `POST /prompt`.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] when the workflow is not valid, [`ClientError`] otherwise.
    pub async fn submit(&self, workflow: &Workflow, options: SubmitOptions) -> Result<Submitted, ClientError> {
        let call = Call { name: "POST /prompt", deadline: SUBMIT_DEADLINE, longest: SMALL_ANSWER };
        let body = Body {
            prompt: workflow,
            prompt_id: options.prompt_id.as_deref(),
            client_id: options.client_id.as_deref(),
            front: options.front,
            extra_data: self.inner.credentials.comfy_org_key().map(|api_key_comfy_org| ExtraData { api_key_comfy_org }),
        };
        let request = self.request(Method::POST, &["prompt"])?.json(&body);
        within(call, async {
            let response = request.send().await.map_err(|error| self.transport(&error))?;
            let status = response.status();
            if !status.is_success() && status != StatusCode::BAD_REQUEST {
                return Err(self.refusal(call, response).await);
            }
            let body = String::from_utf8_lossy(&self.body(call, response).await?).into_owned();
            // Before it is taken apart: what it says of the nodes is kept in many places.
            let body = self.redact(body).into_bytes();
            if status == StatusCode::BAD_REQUEST {
                return Err(match self.parse::<RawRejection>(call, &body) {
                    Ok(raw) if raw.is_one() => ClientError::Rejected(Box::new(raw.read(workflow))),
                    _ => self.refusal_with_body(call, status, &body),
                });
            }
            let answer: Answer = self.parse(call, &body)?;
            let node_errors = answer.node_errors.read(workflow);
            Ok(Submitted { prompt_id: answer.prompt_id, number: answer.number, node_errors })
        })
        .await
    }
}
