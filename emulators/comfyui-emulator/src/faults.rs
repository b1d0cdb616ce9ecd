//! Switches with which a test makes the server fail: at the edge, where HTTP meets the socket.
//! The logic behind the edge never knows.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;
use crate::transport::Plug;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Answer with this status and an empty body, without doing anything.
    Status(StatusCode),
    /// Do the work, then close the connection instead of answering.
    LoseAnswer,
    /// Close the connection once this many bytes of the answer, its head included, are out.
    CutAnswer {
        /// How many bytes still get through.
        after: u64,
    },
    /// Do the work, then answer this much later.
    Delay(Duration),
}

/// A fault that waits for its request.
#[derive(Debug)]
struct Planned {
    /// The method it waits for; any if `None`.
    method: Option<Method>,
    /// The path without `/api`; one ending in `*` stands for everything that begins so.
    path: String,
    fault: Fault,
    /// How often it still strikes; for ever if `None`.
    times: Option<u32>,
}

impl Planned {
    fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && match self.path.strip_suffix('*') {
                Some(beginning) => path.starts_with(beginning),
                None => path == self.path,
            }
    }
}

#[derive(Debug, Default)]
struct Plan {
    requests: Vec<Planned>,
    websockets_refused: bool,
    websocket_cuts: VecDeque<u64>,
    connections: CancellationToken,
}

/// The switches of one server; clones work on the same server.
#[derive(Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

impl Faults {
    /// The next `times` requests to `path` (without `/api` and without the server's prefix; a
    /// final `*` stands for any ending) are answered with `status` and an empty body.
    pub fn http_status(&self, path: &str, status: StatusCode, times: u32) {
        self.plan(None, path, Fault::Status(status), Some(times));
    }

    /// The next `POST /prompt` is done, but the connection closes instead of answering.
    pub fn lose_submit_answer(&self) {
        self.plan(Some(Method::POST), "/prompt", Fault::LoseAnswer, Some(1));
    }

    /// The connection of the next request to `path` closes when `bytes` bytes of the answer (its
    /// head included) are out.
    pub fn cut_answer_after(&self, path: &str, bytes: u64) {
        self.plan(None, path, Fault::CutAnswer { after: bytes }, Some(1));
    }

    /// From now on every answer of `GET /history`, `/history/{id}` and `/api/jobs…` comes this
    /// much later.
    pub fn delay_history(&self, delay: Duration) {
        for path in ["/history", "/history/*", "/jobs", "/jobs/*"] {
            self.plan(Some(Method::GET), path, Fault::Delay(delay), None);
        }
    }

    /// Any fault for the next `times` requests (for ever if `None`) with this method and path.
    pub fn plan(&self, method: Option<Method>, path: &str, fault: Fault, times: Option<u32>) {
        let path = without_api(path).to_owned();
        lock(&self.plan).requests.push(Planned { method, path, fault, times });
    }

    /// The next WebSocket to be opened is cut, without a close frame, once the server has sent
    /// `frames` frames on it (the first `status` counts). Call it again to plan for the one after.
    pub fn cut_websocket_after(&self, frames: u64) {
        lock(&self.plan).websocket_cuts.push_back(frames);
    }

    /// From now on every WebSocket handshake is answered 503. [`Faults::clear`] ends it.
    pub fn refuse_websocket(&self) {
        lock(&self.plan).websockets_refused = true;
    }

    /// Closes every open connection at once, WebSockets without a close frame. New ones work.
    pub fn drop_connections(&self) {
        let old = std::mem::take(&mut lock(&self.plan).connections);
        old.cancel();
    }

    /// Takes back every planned fault.
    pub fn clear(&self) {
        let mut plan = lock(&self.plan);
        plan.requests.clear();
        plan.websockets_refused = false;
        plan.websocket_cuts.clear();
    }

    /// The token a new connection hangs on.
    pub(crate) fn connection_token(&self) -> CancellationToken {
        lock(&self.plan).connections.child_token()
    }

    /// How many frames the WebSocket that is being opened may send.
    pub(crate) fn take_websocket_cut(&self) -> Option<u64> {
        lock(&self.plan).websocket_cuts.pop_front()
    }

    fn websockets_refused(&self) -> bool {
        lock(&self.plan).websockets_refused
    }

    fn take(&self, method: &Method, path: &str) -> Option<Fault> {
        let mut plan = lock(&self.plan);
        let index = plan.requests.iter().position(|planned| planned.matches(method, path))?;
        let planned = plan.requests.get_mut(index)?;
        let fault = planned.fault;
        if let Some(times) = &mut planned.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                plan.requests.remove(index);
            }
        }
        Some(fault)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lock(&self.plan).fmt(f)
    }
}

/// `/api/prompt` and `/prompt` are one route.
pub(crate) fn without_api(path: &str) -> &str {
    match path.strip_prefix("/api") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// The edge: every request passes here first.
pub(crate) async fn apply(
    State(faults): State<Faults>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    request: Request,
    next: Next,
) -> Response {
    let path = without_api(request.uri().path()).to_owned();
    if path == "/ws" && faults.websockets_refused() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match faults.take(request.method(), &path) {
        None => next.run(request).await,
        Some(Fault::Status(status)) => status.into_response(),
        Some(Fault::LoseAnswer) => {
            let answer = next.run(request).await;
            plug.pull();
            answer
        }
        Some(Fault::CutAnswer { after }) => {
            let answer = next.run(request).await;
            plug.pull_after(after);
            answer
        }
        Some(Fault::Delay(delay)) => {
            let answer = next.run(request).await;
            tokio::time::sleep(delay).await;
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};

    use super::{Fault, Faults};

    #[test]
    fn a_planned_status_strikes_as_often_as_it_was_planned() {
        let faults = Faults::default();
        faults.http_status("/api/queue", StatusCode::BAD_GATEWAY, 2);
        let strike = || faults.take(&Method::GET, "/queue");
        assert_eq!(strike(), Some(Fault::Status(StatusCode::BAD_GATEWAY)));
        assert_eq!(faults.take(&Method::GET, "/prompt"), None);
        assert_eq!(strike(), Some(Fault::Status(StatusCode::BAD_GATEWAY)));
        assert_eq!(strike(), None);
    }

    #[test]
    fn a_lost_answer_waits_for_a_submission() {
        let faults = Faults::default();
        faults.lose_submit_answer();
        assert_eq!(faults.take(&Method::GET, "/prompt"), None);
        assert_eq!(faults.take(&Method::POST, "/prompt"), Some(Fault::LoseAnswer));
        assert_eq!(faults.take(&Method::POST, "/prompt"), None);
    }
}
