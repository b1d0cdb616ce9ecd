//! The daemon's endpoint for calls back over HTTP
//! (dify-plugin-daemon, `internal/core/io_tunnel/backwards_invocation/transaction/serverless_handler.go`).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use dify_plugin_protocol::{BackwardsEvent, BackwardsResponse};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::backwards;
use crate::decode;
use crate::envelope::{Line, SessionLine};
use crate::host::DifyHost;
use crate::loopback_server::LoopbackServer;
use crate::request::{CallRequest, Origin};

/// Most bytes of a call back.
const MAX_BODY: usize = 6 * 1024 * 1024;

/// What an endpoint does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionFault {
    /// As if it did not know the call.
    UnknownSession,
    /// A status and a text.
    Refuse(u16),
    /// Something else than lines of the protocol.
    Garbage,
    /// Half a line, and the connection breaks off.
    Cut,
    /// It ends without a word.
    Empty,
    /// A line that does not end, of so many MiB.
    EndlessLine(usize),
    /// Blank lines first, then the answer in pieces of a few bytes.
    InPieces,
}

/// The endpoint. Cheap to clone; it serves as long as a clone lives.
#[derive(Clone, Debug)]
pub struct Transactions(Arc<Endpoint>);

#[derive(Debug)]
struct Endpoint {
    table: Arc<Table>,
    server: LoopbackServer,
}

#[derive(Debug)]
struct Table {
    dify: DifyHost,
    state: Mutex<TableState>,
}

#[derive(Debug, Default)]
struct TableState {
    /// User and origin of the calls that run.
    open: HashMap<String, (String, Origin)>,
    /// Kinds of the calls back of each call.
    called_back: HashMap<String, Vec<String>>,
    fault: Option<TransactionFault>,
}

/// A call that may call back, until it is dropped.
#[derive(Debug)]
pub(super) struct OpenCall {
    table: Arc<Table>,
    session_id: String,
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.table.state().open.remove(&self.session_id);
    }
}

impl Table {
    fn state(&self) -> MutexGuard<'_, TableState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transactions {
    /// Starts an endpoint on 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub async fn start(dify: &DifyHost) -> io::Result<Self> {
        let table = Arc::new(Table { dify: dify.clone(), state: Mutex::default() });
        let router = Router::new()
            .route("/backwards-invocation/transaction", post(answer))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Arc::clone(&table));
        let server = LoopbackServer::start(router).await?;
        Ok(Self(Arc::new(Endpoint { table, server })))
    }

    /// What `DIFY_PLUGIN_DAEMON_URL` is to be.
    #[must_use]
    pub fn daemon_url(&self) -> String {
        self.0.server.origin()
    }

    /// From now on every call back meets this fault; none for none.
    pub fn set_fault(&self, fault: Option<TransactionFault>) {
        self.0.table.state().fault = fault;
    }

    pub(super) fn open(&self, session_id: &str, request: &CallRequest) -> OpenCall {
        let call = (request.user_id().to_owned(), request.origin.clone());
        self.0.table.state().open.insert(session_id.to_owned(), call);
        OpenCall { table: Arc::clone(&self.0.table), session_id: session_id.to_owned() }
    }

    /// Kinds of the calls back that a call made.
    pub(super) fn called_back(&self, session_id: &str) -> Vec<String> {
        self.0.table.state().called_back.remove(session_id).unwrap_or_default()
    }
}

async fn answer(State(table): State<Arc<Table>>, body: Bytes) -> Response {
    let line = body.trim_ascii();
    let Line::Session { session_id, message: SessionLine::Message(kind, data) } = Line::parse(line) else {
        return (StatusCode::BAD_REQUEST, "not a session message").into_response();
    };
    let invocation = match decode::invocation(data.get()) {
        Ok(invocation) if kind == "invoke" => invocation,
        _ => return (StatusCode::INTERNAL_SERVER_ERROR, "failed to parse request").into_response(),
    };
    let fault = table.state().fault;
    let open = table.state().open.get(&*session_id).cloned();
    let (Some((user_id, origin)), false) = (open, fault == Some(TransactionFault::UnknownSession)) else {
        return unknown_session(invocation.backwards_request_id, &session_id);
    };
    table.state().called_back.entry(session_id.to_string()).or_default().push(invocation.kind.to_string());
    let responses = backwards::answer(&table.dify, &user_id, invocation);
    let mut text = Vec::new();
    for response in responses {
        text.extend(origin.response_line(&session_id, &response));
        text.push(b'\n');
    }
    match fault {
        Some(fault) => faulty(fault, text),
        None => event_stream(Body::from(text)),
    }
}

fn unknown_session(id: String, session_id: &str) -> Response {
    let error = BackwardsResponse {
        backwards_request_id: id,
        event: BackwardsEvent::Error,
        message: "failed to get session info from cache".to_owned(),
        data: json!({"error_type": "SessionNotFound", "detail": "key not found", "session_id": session_id}),
    };
    let body = serde_json::to_value(error).unwrap_or(Value::Null).to_string();
    (StatusCode::BAD_REQUEST, body).into_response()
}

fn event_stream(body: Body) -> Response {
    ([("content-type", "text/event-stream")], body).into_response()
}

fn faulty(fault: TransactionFault, text: Vec<u8>) -> Response {
    match fault {
        TransactionFault::UnknownSession | TransactionFault::Empty => event_stream(Body::empty()),
        TransactionFault::Refuse(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "refused").into_response()
        }
        TransactionFault::Garbage => event_stream(Body::from("<html>a gateway</html>\n\n")),
        TransactionFault::Cut => {
            let half = Bytes::copy_from_slice(text.get(..text.len() / 3).unwrap_or_default());
            let cut = stream::iter([Ok(half), Err(io::Error::other("cut"))]);
            event_stream(Body::from_stream(cut))
        }
        TransactionFault::EndlessLine(mib) => {
            let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
            event_stream(Body::from_stream(stream::iter((0..mib).map(move |_| Ok::<_, io::Error>(piece.clone())))))
        }
        TransactionFault::InPieces => {
            let mut pieces = vec![Bytes::from_static(b"\n\n"); 2];
            pieces.extend(text.chunks(7).map(Bytes::copy_from_slice));
            let pieces = stream::iter(pieces).then(|piece| async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok::<_, io::Error>(piece)
            });
            event_stream(Body::from_stream(pieces))
        }
    }
}
