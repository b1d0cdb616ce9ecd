//! Lines from the plugin, to the calls they belong to (dify-plugin-daemon, `internal/core/io_tunnel/generic.go`).

use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::BackwardsInvocation;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::action::Action;
use crate::backwards;
use crate::decode;
use crate::envelope::{Chunk, Line, SessionLine};
use crate::failure::CallFailure;
use crate::line_reader::LineReader;
use crate::session::{ClosedBy, FileChunk, Known, Session, SessionEvent};
use crate::violation::Violation;

use super::Shared;
use super::writer::Outgoing;

/// How long to wait for more when the process is gone: a child of it may hold the pipe open.
const AFTER_EXIT: Duration = Duration::from_millis(500);
/// Answers to calls back that may wait for the plugin to read them.
const WAITING_ANSWERS: usize = 1024;

/// Why no more is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadingEnded {
    Closed,
    LineTooLong,
}

pub(super) async fn read(
    mut output: impl AsyncRead + Unpin + Send,
    shared: Arc<Shared>,
    input: mpsc::Sender<Outgoing>,
    mut exited: watch::Receiver<bool>,
) -> ReadingEnded {
    let mut reading = shared.reading.subscribe();
    let mut lines = LineReader::new();
    let router = Router { shared: Arc::clone(&shared), input, answers: Arc::new(Semaphore::new(WAITING_ANSWERS)) };
    loop {
        let _ = reading.wait_for(|reading| *reading).await;
        let read = read_some(&mut output, lines.space(), &mut exited).await;
        if read == 0 {
            let rest = lines.rest();
            if !rest.is_empty() {
                router.line(rest).await;
            }
            return ReadingEnded::Closed;
        }
        shared.heartbeats.sign();
        lines.advance(read);
        loop {
            match lines.next_line() {
                Ok(Some([])) => {}
                Ok(Some(line)) => router.line(line).await,
                Ok(None) => break,
                Err(_) => return ReadingEnded::LineTooLong,
            }
        }
    }
}

/// How many bytes came; none when no more come.
async fn read_some(
    output: &mut (impl AsyncRead + Unpin + Send),
    space: &mut [u8],
    exited: &mut watch::Receiver<bool>,
) -> usize {
    tokio::select! {
        biased;
        read = output.read(space) => return read.unwrap_or(0),
        _ = exited.wait_for(|exited| *exited) => {}
    }
    match tokio::time::timeout(AFTER_EXIT, output.read(space)).await {
        Ok(Ok(read)) => read,
        _ => 0,
    }
}

struct Router {
    shared: Arc<Shared>,
    input: mpsc::Sender<Outgoing>,
    answers: Arc<Semaphore>,
}

impl Router {
    async fn line(&self, line: &[u8]) {
        match Line::parse(line) {
            Line::Heartbeat => self.shared.heartbeats.beat(),
            Line::Log(event) => self.shared.log(event),
            Line::Violation(violation) => self.shared.violation(violation),
            Line::Session { session_id, message } => self.session_line(&session_id, message).await,
        }
    }

    async fn session_line(&self, id: &str, message: SessionLine<'_>) {
        let sessions = &self.shared.sessions;
        let kind = message.kind().to_owned();
        let session_id = id.to_owned();
        match sessions.find(id) {
            Known::Open(session) => self.open_session_line(id, &session, message).await,
            Known::Never => self.shared.violation(Violation::UnknownSession { session_id, kind }),
            Known::Closed(ClosedBy::Error | ClosedBy::Host) if kind == "end" => {
                sessions.close(id, ClosedBy::End, None);
            }
            // The daemon has stopped listening; the plugin cannot know that.
            Known::Closed(ClosedBy::Host) => {}
            Known::Closed(ClosedBy::End | ClosedBy::Error) => {
                sessions.close(id, ClosedBy::End, Some(CallFailure::AfterEnd { kind: kind.clone() }));
                self.shared.violation(Violation::AfterEnd { session_id, kind });
            }
        }
    }

    async fn open_session_line(&self, id: &str, session: &Session, message: SessionLine<'_>) {
        match self.decode(id, session, message).await {
            Ok(Some(event)) => {
                let end = matches!(event, SessionEvent::End);
                // Waits while the call has not taken what came before, as the daemon does.
                let _ = session.events.send(event).await;
                if end {
                    self.shared.sessions.close(id, ClosedBy::End, None);
                }
            }
            Ok(None) => {}
            Err(failure) => {
                let by = if matches!(failure, CallFailure::Plugin(_)) { ClosedBy::Error } else { ClosedBy::Host };
                self.shared.sessions.close(id, by, Some(failure));
            }
        }
    }

    async fn decode(
        &self,
        id: &str,
        session: &Session,
        message: SessionLine<'_>,
    ) -> Result<Option<SessionEvent>, CallFailure> {
        let (kind, data) = match message {
            SessionLine::Chunk(chunk) => return decode_chunk(&session.action, chunk).map(Some),
            SessionLine::Undecodable(reason) => return Err(CallFailure::MessageDropped { reason }),
            SessionLine::Message(kind, data) => (kind, data),
        };
        match &*kind {
            "stream" => {
                decode::payload(&session.action, data.get()).map(|payload| Some(SessionEvent::Payload(payload)))
            }
            "end" => Ok(Some(SessionEvent::End)),
            "error" => Err(match decode::error(data.get()) {
                Ok(error) => CallFailure::Plugin(error),
                Err(reason) => CallFailure::ErrorDropped { reason },
            }),
            "invoke" => {
                let invocation =
                    decode::invocation(data.get()).map_err(|reason| CallFailure::InvalidCallBack { reason })?;
                let kind = invocation.kind.to_string();
                self.answer(id, session, invocation).await;
                Ok(Some(SessionEvent::CalledBack(kind)))
            }
            kind => Err(CallFailure::UnknownMessageType { kind: kind.to_owned() }),
        }
    }

    /// Answers a call back, without waiting for the plugin to read it.
    async fn answer(&self, id: &str, session: &Session, invocation: BackwardsInvocation) {
        if !self.shared.host.answers_call_backs() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.answers).acquire_owned().await else { return };
        let responses = backwards::answer(&self.shared.host, &session.user_id, invocation);
        let lines = responses.map(|response| session.origin.response_line(id, &response));
        let input = self.input.clone();
        tokio::spawn(async move {
            for line in lines {
                if input.send(Outgoing::Line(line)).await.is_err() {
                    break;
                }
            }
            drop(permit);
        });
    }
}

pub(crate) fn decode_chunk(action: &Action, chunk: Chunk<'_>) -> Result<SessionEvent, CallFailure> {
    let message = chunk.message;
    match action {
        Action::InvokeTool => {
            let bytes = decode::decode_base64(message.blob)?;
            Ok(SessionEvent::Chunk(FileChunk {
                id: message.id.into_owned(),
                sequence: message.sequence,
                total_length: message.total_length,
                bytes,
                end: message.end,
                meta: chunk.meta,
            }))
        }
        Action::DownloadFile => Err(CallFailure::ChunksFromDatasource),
        other => {
            let payload = json!({"type": "blob_chunk", "message": {"blob": message.blob}, "meta": chunk.meta});
            decode::payload(other, &payload.to_string()).map(SessionEvent::Payload)
        }
    }
}
