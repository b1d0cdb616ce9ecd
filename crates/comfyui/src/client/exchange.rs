use std::time::Duration;

use origin_client::TransportError;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

use super::ComfyUi;
use crate::ClientError;
use crate::error::{excerpt_of_body, one_line};
use crate::python_json;

/// How long a call that answers with JSON may take in all.
pub(super) const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// The longest answer of an ordinary call.
pub(super) const SMALL_ANSWER: usize = 4 << 20;
/// The longest answer that may repeat whole workflows.
pub(super) const LARGE_ANSWER: usize = 64 << 20;
/// How much of an error body is looked at.
pub(super) const ERROR_BODY: usize = 64 << 10;

/// One kind of call, for its messages and its limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Method and route, for messages.
    pub(super) name: &'static str,
    /// For the whole exchange.
    pub(super) deadline: Duration,
    /// The longest answer that is read, in bytes.
    pub(super) longest: usize,
}

impl Call {
    pub(super) const fn small(name: &'static str) -> Self {
        Self { name, deadline: CALL_DEADLINE, longest: SMALL_ANSWER }
    }

    pub(super) const fn large(name: &'static str) -> Self {
        Self { name, deadline: CALL_DEADLINE, longest: LARGE_ANSWER }
    }
}

impl ComfyUi {
    /// A request to a route, with the credentials.
    pub(super) fn request(&self, method: Method, route: &[&str]) -> Result<RequestBuilder, ClientError> {
        self.request_to(method, self.inner.address.http(route))
    }

    /// A request to a URL below the server's address, with the credentials.
    pub(super) fn request_to(&self, method: Method, url: Url) -> Result<RequestBuilder, ClientError> {
        Ok(self.inner.http.request(method, url)?.headers(self.inner.headers.clone()))
    }

    /// Sends, insists on success, and reads the JSON of the answer.
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        within(call, async {
            let response = self.success(call, request).await?;
            let body = self.body(call, response).await?;
            self.parse(call, &body)
        })
        .await
    }

    /// Sends, and gives the answer if its status is a success.
    pub(super) async fn success(&self, call: Call, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.transport(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(call, response).await) }
    }

    /// The whole body, up to the call's limit.
    pub(super) async fn body(&self, call: Call, response: Response) -> Result<Vec<u8>, ClientError> {
        let too_long = ClientError::TooLong { call: call.name, limit: call.longest };
        let body = self.start_of_body(response, call.longest.saturating_add(1)).await?;
        if body.len() > call.longest { Err(too_long) } else { Ok(body) }
    }

    /// So many bytes of the body, or all of it.
    pub(super) async fn start_of_body(&self, mut response: Response, longest: usize) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            let room = longest.saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..chunk.len().min(room)).unwrap_or_default());
            if body.len() >= longest {
                break;
            }
        }
        Ok(body)
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, call: Call, body: &[u8]) -> Result<T, ClientError> {
        python_json::from_slice(body).map_err(|error| self.unreadable(call, body, &error))
    }

    /// The error for a success with a body that was not to be read, of which `body` is the beginning.
    pub(super) fn unreadable(&self, call: Call, body: &[u8], error: &serde_json::Error) -> ClientError {
        if error.is_data() {
            let reason = self.redact(one_line(&error.to_string(), 200));
            return ClientError::UnexpectedShape { call: call.name, reason };
        }
        let start = body.get(..body.len().min(ERROR_BODY)).unwrap_or_default();
        ClientError::NotComfyUi { call: call.name, excerpt: self.excerpt(start) }
    }

    /// The error for an answer whose status is no success. Reads a little of its body.
    pub(super) async fn refusal(&self, call: Call, response: Response) -> ClientError {
        let status = response.status();
        // The status counts even if the body breaks off.
        let body = self.start_of_body(response, ERROR_BODY).await.unwrap_or_default();
        self.refusal_with_body(call, status, &body)
    }

    pub(super) fn refusal_with_body(&self, call: Call, status: StatusCode, body: &[u8]) -> ClientError {
        let (call, excerpt, status) = (call.name, self.excerpt(body), status.as_u16());
        match status {
            401 | 403 => ClientError::AccessRefused { call, status, excerpt },
            413 => ClientError::TooMuchSent { call, excerpt },
            _ => ClientError::Status { call, status, excerpt },
        }
    }

    pub(super) fn transport(&self, error: &reqwest::Error) -> ClientError {
        ClientError::Transport {
            error: TransportError::new(self.inner.http.origin(), error),
            loopback: self.inner.address.is_loopback(),
        }
    }

    fn excerpt(&self, body: &[u8]) -> String {
        self.redact(excerpt_of_body(body))
    }
}

/// The exchange, within the call's deadline.
pub(super) async fn within<T>(
    call: Call,
    exchange: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(call.deadline, exchange).await {
        Ok(result) => result,
        Err(_) => Err(ClientError::TimedOut { call: call.name, after: call.deadline }),
    }
}
