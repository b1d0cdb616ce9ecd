use std::sync::Arc;

use bytes::Bytes;
use dify_plugin_protocol::{DaemonEvent, DaemonLine};
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::PLACE;
use super::refusal::Refusal;
use super::request_body::RequestRoom;
use super::response_body::ResponseBody;
use super::response_lines::{LinesBody, ResponseLines};
use super::timed_stream::RequestAtWork;
use crate::answering::Answering;
use crate::backwards::Transactions;
use crate::session::CallContext;
use crate::settings::ServerlessSettings;
use crate::way::Way;

/// What answers requests, whatever connection they come by.
#[derive(Debug)]
pub(super) struct Service {
    answering: Answering,
    transactions: Arc<Transactions>,
    places: Arc<Semaphore>,
    room: RequestRoom,
    silence: std::time::Duration,
    /// The calls at work.
    pub(super) calls: TaskTracker,
    /// No more calls are taken.
    pub(super) draining: CancellationToken,
    /// Calls at work are given up.
    pub(super) stopping: CancellationToken,
}

impl Service {
    pub(super) fn new(answering: Answering, settings: &ServerlessSettings) -> Self {
        Self {
            answering,
            transactions: Arc::new(Transactions::at(settings.daemon_url.clone())),
            places: Arc::new(Semaphore::new(settings.calls)),
            room: RequestRoom::new(),
            silence: settings.silence,
            calls: TaskTracker::new(),
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
        }
    }

    /// Answers a request, a refusal included.
    pub(super) async fn answer(&self, request: Request<Incoming>, at_work: RequestAtWork) -> Response<ResponseBody> {
        let response = match (request.uri().path(), request.method()) {
            ("/health", &Method::GET | &Method::HEAD) => self.health().map(whole),
            ("/health", _) => Err(Refusal::Method("GET, HEAD")),
            ("/invoke", &Method::POST) => self.invoke(request.into_body()).await.map(|lines| lines.map(Either::Right)),
            ("/invoke", _) => Err(Refusal::Method("POST")),
            _ => Err(Refusal::NoSuchPath),
        };
        let response = response.unwrap_or_else(|refusal| {
            tracing::info!(?refusal, "a request was refused");
            whole(refusal.response())
        });
        response.map(|body| ResponseBody::new(body, at_work))
    }

    fn health(&self) -> Result<Response<Bytes>, Refusal> {
        if self.draining.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let mut response = Response::new(Bytes::from_static(b"OK"));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok(response)
    }

    async fn invoke<B>(&self, body: B) -> Result<Response<LinesBody>, Refusal>
    where
        B: Body<Data = Bytes> + Send + Unpin,
        B::Error: Send,
    {
        if self.draining.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let body = self.room.read(body).await?;
        let (context, data) = decode(&body.bytes)?;
        let place = self.place().await?;
        drop(body);
        let gone = CancellationToken::new();
        let (lines, response) = ResponseLines::new(self.silence, self.stopping.clone(), gone.clone());
        let way = Way::Response { lines, transactions: Arc::clone(&self.transactions) };
        let answering = self.answering.clone();
        let call = async move {
            let _place = place;
            answering.call(context, data, way).await;
        };
        self.calls.spawn(gone.run_until_cancelled_owned(call));
        let mut response = Response::new(response);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // nginx would otherwise keep lines back until it has many.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        tokio::select! {
            place = timeout(PLACE, Arc::clone(&self.places).acquire_owned()) => match place {
                Ok(Ok(place)) => Ok(place),
                Ok(Err(_)) => Err(Refusal::Stopping),
                Err(_) => Err(Refusal::Busy(PLACE)),
            },
            () = self.draining.cancelled() => Err(Refusal::Stopping),
        }
    }
}

fn whole(response: Response<Bytes>) -> Response<Either<Full<Bytes>, LinesBody>> {
    response.map(|bytes| Either::Left(Full::new(bytes)))
}

/// The call that a request line asks for. A line without data is no call here, as in the official SDK.
fn decode(line: &[u8]) -> Result<(CallContext, String), Refusal> {
    let mut line: DaemonLine = serde_json::from_slice(line).map_err(|error| Refusal::NoRequest(error.to_string()))?;
    if line.event != DaemonEvent::Request {
        return Err(Refusal::NoRequest("an answer to a call back belongs to the request that asked for it".to_owned()));
    }
    let data = line.data.take().ok_or_else(|| Refusal::NoRequest("missing field `data`".to_owned()))?;
    Ok((CallContext::of(line), data.get().to_owned()))
}
