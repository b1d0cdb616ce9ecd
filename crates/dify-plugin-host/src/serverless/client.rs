use std::time::Duration;

use bytes::Bytes;
use dify_plugin_protocol::{DownloadFile, InvokeTool, ValidateCredentials};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;
use uuid::Uuid;

use super::answer_lines::{RuntimeError, session_event};
use super::{ServerlessFailure, Transactions};
use crate::answer::Answer;
use crate::assembly::Assembly;
use crate::call::CallEvent;
use crate::failure::CallFailure;
use crate::host::DifyHost;
use crate::line_reader::LineReader;
use crate::received_file::ReceivedFile;
use crate::request::CallRequest;
use crate::session::SessionEvent;

/// `MAX_SERVERLESS_REQUEST_BYTES` of the daemon.
const MAX_REQUEST: usize = 5_242_880;

/// `MAX_SERVERLESS_RETRY_TIMES` of the daemon.
const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; doubled for the third.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How much of a refusal is read.
const MAX_REFUSAL: usize = 4 * 1024;

/// A plugin at an address. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct ServerlessPlugin {
    origin: String,
    dify: DifyHost,
    transactions: Transactions,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl ServerlessPlugin {
    /// `origin`: such as `http://127.0.0.1:8080`. `transactions` is where this plugin was told to call back.
    #[must_use]
    pub fn at(origin: impl Into<String>, dify: &DifyHost, transactions: &Transactions) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { origin: origin.into(), dify: dify.clone(), transactions: transactions.clone(), client }
    }

    /// Makes a call and collects all of its answer.
    ///
    /// # Errors
    /// [`CallFailure`]: the plugin's own error, or what would have gone wrong in Dify.
    pub async fn call(&self, request: impl Into<CallRequest> + Send) -> Result<Answer, CallFailure> {
        let request = request.into();
        let session_id = Uuid::new_v4().to_string();
        let mut line = request.line(&session_id);
        // Here the daemon writes no newline.
        line.pop();
        if line.len() > MAX_REQUEST {
            return Err(ServerlessFailure::RequestTooLarge { bytes: line.len(), limit: MAX_REQUEST }.into());
        }
        let _open = self.transactions.open(&session_id, &request);
        let limit = self.dify.call_limit();
        let call = async {
            let response = self.post(&session_id, &request, line.into()).await?;
            self.read(request, response).await
        };
        let answer = timeout(limit, call).await.map_err(|_| ServerlessFailure::TimeLimit { limit })?;
        answer.map(|mut answer| {
            answer.called_back = self.transactions.called_back(&session_id);
            answer
        })
    }

    /// Invokes a tool.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn invoke_tool(&self, fields: InvokeTool) -> Result<Answer, CallFailure> {
        self.call(fields).await
    }

    /// Downloads a file of a drive.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn download_file(&self, fields: DownloadFile) -> Result<ReceivedFile, CallFailure> {
        self.call(fields).await?.files.pop().ok_or(CallFailure::NoFile)
    }

    /// Checks credentials of a tool provider.
    ///
    /// # Errors
    /// [`CallFailure`]; [`CallFailure::Plugin`] when they are refused.
    pub async fn validate_tool_credentials(&self, fields: &ValidateCredentials) -> Result<(), CallFailure> {
        self.call(CallRequest::validate_tool_credentials(fields)).await.map(drop)
    }

    /// Checks credentials of a datasource provider.
    ///
    /// # Errors
    /// [`CallFailure`]; [`CallFailure::Plugin`] when they are refused.
    pub async fn validate_datasource_credentials(&self, fields: &ValidateCredentials) -> Result<(), CallFailure> {
        self.call(CallRequest::validate_datasource_credentials(fields)).await.map(drop)
    }

    /// Posts a body as it is to `/invoke`: the status, and all that was answered. For faulty requests.
    ///
    /// # Errors
    /// [`ServerlessFailure::Unreachable`] and [`ServerlessFailure::BrokeOff`].
    pub async fn post_raw(&self, body: impl Into<Bytes> + Send) -> Result<(u16, String), ServerlessFailure> {
        let response = self.send("session", "", body.into()).await;
        let response = response.map_err(|reason| ServerlessFailure::Unreachable { attempts: 1, reason })?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| ServerlessFailure::BrokeOff { reason: error.to_string() })?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    }

    async fn post(
        &self,
        session_id: &str,
        request: &CallRequest,
        line: Bytes,
    ) -> Result<Response<Incoming>, ServerlessFailure> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let reason = match self.send(session_id, request.action.name(), line.clone()).await {
                Ok(response) if response.status().as_u16() != 502 => return Ok(response),
                Ok(_) => "status 502".to_owned(),
                Err(reason) => reason,
            };
            if attempt == ATTEMPTS {
                return Err(ServerlessFailure::Unreachable { attempts: ATTEMPTS, reason });
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    async fn send(&self, session_id: &str, action: &str, body: Bytes) -> Result<Response<Incoming>, String> {
        let request = Request::post(format!("{}/invoke?action={action}", self.origin))
            .header("Content-Type", "application/json")
            .header("Accept", "text/event-stream")
            .header("Dify-Plugin-Session-ID", session_id)
            .body(Full::new(body));
        let request = request.map_err(|error| error.to_string())?;
        self.client.request(request).await.map_err(|error| match std::error::Error::source(&error) {
            Some(source) => source.to_string(),
            None => error.to_string(),
        })
    }

    async fn read(&self, request: CallRequest, response: Response<Incoming>) -> Result<Answer, CallFailure> {
        let status = response.status();
        let amazon =
            response.headers().get("x-amzn-ErrorType").and_then(|value| value.to_str().ok().map(str::to_owned));
        let mut body = response.into_body();
        if !status.is_success() || amazon.is_some() {
            let text = Limited::new(body, MAX_REFUSAL).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let RuntimeError { error_type, message } = serde_json::from_slice(&text).unwrap_or_default();
            let error_type = amazon.or_else(|| Some(error_type).filter(|error_type| !error_type.is_empty()));
            let error_type = error_type.unwrap_or_else(|| status.to_string());
            return Err(ServerlessFailure::Runtime { status: status.as_u16(), error_type, message }.into());
        }
        let CallRequest { action, sink, .. } = request;
        let mut assembly = Assembly::new(action.clone(), self.dify.clone(), sink);
        let mut answer = Answer::default();
        let mut lines = LineReader::new();
        let mut said_something = false;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| ServerlessFailure::BrokeOff { reason: error.to_string() })?;
            let Ok(bytes) = frame.into_data() else { continue };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let space = lines.space();
                let length = rest.len().min(space.len());
                space[..length].copy_from_slice(&rest[..length]);
                rest = &rest[length..];
                lines.advance(length);
                loop {
                    let line = match lines.next_line() {
                        Ok(Some([])) => continue,
                        Ok(Some(line)) => line,
                        Ok(None) => break,
                        Err(_) => return Err(ServerlessFailure::LineTooLong.into()),
                    };
                    match session_event(&action, status.as_u16(), line)? {
                        None => {}
                        Some(SessionEvent::End) => {
                            assembly.finish()?;
                            return Ok(answer);
                        }
                        Some(event) => {
                            said_something = true;
                            collect(assembly.take(event)?, &mut answer);
                        }
                    }
                }
            }
        }
        Err(if said_something { ServerlessFailure::NoEnd } else { ServerlessFailure::NoSessionResponse }.into())
    }
}

fn collect(events: Vec<CallEvent>, answer: &mut Answer) {
    for event in events {
        match event {
            CallEvent::Message(message) => answer.messages.push(message),
            CallEvent::File(file) => answer.files.push(file),
            CallEvent::Result(result) => answer.results.push(result),
            CallEvent::CalledBack(_) | CallEvent::Progress { .. } => {}
        }
    }
}
