use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Error;
use crate::outbox::Closed;

/// Bytes that may wait for the reader of one response. A longer line waits until it is alone.
const CAPACITY: usize = 256 * 1024;

/// Where a call leaves its lines when its answer is the body of an HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct ResponseLines {
    queue: mpsc::UnboundedSender<Piece>,
    room: Arc<Semaphore>,
    /// When something was sent last.
    sent: Arc<Mutex<Instant>>,
    /// The SDK's `MAX_REQUEST_TIMEOUT`.
    silence: Duration,
    stopping: CancellationToken,
}

/// The body that the lines become.
#[derive(Debug)]
pub(super) struct LinesBody {
    queue: mpsc::UnboundedReceiver<Piece>,
    room: Arc<Semaphore>,
    is_complete: bool,
    /// Tells the call when nobody reads it any more.
    _gone: DropGuard,
}

#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    is_last: bool,
    _room: OwnedSemaphorePermit,
}

/// The call is gone before its end. It makes the connection break off: a body that just ended would look to Dify like an
/// answer that is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call broke off")]
pub(super) struct BrokeOff;

impl ResponseLines {
    /// Both ends. `gone` is cancelled when the body is dropped, read or not. After `silence` without a line, and when
    /// `stopping` is cancelled, the call is to be given up.
    pub(super) fn new(silence: Duration, stopping: CancellationToken, gone: CancellationToken) -> (Self, LinesBody) {
        let (sender, queue) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(CAPACITY));
        let sent = Arc::new(Mutex::new(Instant::now()));
        let body = LinesBody { queue, room: Arc::clone(&room), is_complete: false, _gone: gone.drop_guard() };
        (Self { queue: sender, room, sent, silence, stopping }, body)
    }

    /// Leaves whole lines, each with its newline. Waits for room.
    pub(crate) async fn send(&self, lines: Vec<u8>) -> Result<(), Closed> {
        self.push(lines, false).await
    }

    /// Leaves the last lines.
    pub(crate) async fn end(&self, lines: Vec<u8>) -> Result<(), Closed> {
        self.push(lines, true).await
    }

    async fn push(&self, lines: Vec<u8>, is_last: bool) -> Result<(), Closed> {
        let bytes = Bytes::from(with_blank_lines(lines));
        let weight = u32::try_from(bytes.len().min(CAPACITY)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(weight).await.map_err(|_| Closed)?;
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.queue.send(Piece { bytes, is_last, _room: room }).map_err(|_| Closed)
    }

    /// Resolves when the call was silent for too long, or the process stops.
    pub(crate) async fn given_up(&self) -> Error {
        tokio::select! {
            () = self.silent() => Error::named(
                "TimeoutError",
                format!(
                    "the plugin gave the call up: it had nothing to say for {} seconds (MAX_REQUEST_TIMEOUT)",
                    self.silence.as_secs()
                ),
            ),
            () = self.stopping.cancelled() => {
                Error::named("PluginStoppedError", "the plugin was stopped before the call was over; try again")
            }
        }
    }

    /// While the reader has yet to take something, the call is not the one who is silent.
    async fn silent(&self) {
        loop {
            let sent = *self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let since = if self.room.available_permits() < CAPACITY { now } else { sent };
            if now.duration_since(since) >= self.silence {
                return;
            }
            sleep_until(since + self.silence).await;
        }
    }
}

impl Body for LinesBody {
    type Data = Bytes;
    type Error = BrokeOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.is_complete {
            return Poll::Ready(None);
        }
        match ready!(self.queue.poll_recv(context)) {
            Some(piece) => {
                self.is_complete = piece.is_last;
                Poll::Ready(Some(Ok(Frame::data(piece.bytes))))
            }
            None => {
                self.is_complete = true;
                Poll::Ready(Some(Err(BrokeOff)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_complete
    }
}

impl Drop for LinesBody {
    fn drop(&mut self) {
        // Those who wait for room are told.
        self.room.close();
    }
}

/// The official SDK writes a blank line after every line.
fn with_blank_lines(mut lines: Vec<u8>) -> Vec<u8> {
    let count = lines.iter().filter(|byte| **byte == b'\n').count();
    if count <= 1 {
        lines.push(b'\n');
        return lines;
    }
    let mut spaced = Vec::with_capacity(lines.len() + count);
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        spaced.extend_from_slice(line);
        spaced.push(b'\n');
    }
    spaced
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    const SILENCE: Duration = Duration::from_secs(300);

    fn channel() -> (ResponseLines, LinesBody, CancellationToken) {
        let gone = CancellationToken::new();
        let (lines, body) = ResponseLines::new(SILENCE, CancellationToken::new(), gone.clone());
        (lines, body, gone)
    }

    async fn next(body: &mut LinesBody) -> Option<Result<Bytes, BrokeOff>> {
        body.frame().await.map(|frame| frame.map(|frame| frame.into_data().unwrap()))
    }

    #[tokio::test]
    async fn every_line_has_a_blank_one_behind_it() {
        let (lines, body, _) = channel();
        lines.send(b"a\n".to_vec()).await.unwrap();
        lines.send(b"b\nc\n".to_vec()).await.unwrap();
        lines.end(b"d\n".to_vec()).await.unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "a\n\nb\n\nc\n\nd\n\n");
    }

    #[tokio::test]
    async fn the_body_ends_with_the_call_whoever_still_holds_the_other_end() {
        let (lines, mut body, _) = channel();
        lines.end(b"end\n".to_vec()).await.unwrap();
        assert!(next(&mut body).await.is_some());
        assert!(body.is_end_stream());
        assert_eq!(next(&mut body).await, None);
    }

    #[tokio::test]
    async fn a_call_that_vanishes_breaks_the_body_off() {
        let (lines, mut body, _) = channel();
        lines.send(b"a\n".to_vec()).await.unwrap();
        drop(lines);
        assert!(next(&mut body).await.unwrap().is_ok());
        assert_eq!(next(&mut body).await, Some(Err(BrokeOff)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_slow_holds_the_call_back_and_gets_everything() {
        let (lines, mut body, _) = channel();
        let line = [vec![b'x'; CAPACITY / 4 - 2], vec![b'\n']].concat();
        for _ in 0..4 {
            lines.send(line.clone()).await.unwrap();
        }
        let fifth = tokio::time::timeout(Duration::from_secs(1000), lines.send(line.clone())).await;
        assert!(fifth.is_err(), "the queue took more than its capacity");
        next(&mut body).await.unwrap().unwrap();
        lines.send(line).await.unwrap();
        let long = [vec![b'x'; 3 * CAPACITY], vec![b'\n']].concat();
        let (sent, read) = tokio::join!(lines.end(long), body.collect());
        sent.unwrap();
        assert_eq!(read.unwrap().to_bytes().len(), CAPACITY + 3 * CAPACITY + 2);
    }

    #[tokio::test]
    async fn when_nobody_reads_any_more_the_call_is_told() {
        let (lines, body, gone) = channel();
        lines.send(vec![b'x'; CAPACITY]).await.unwrap();
        let waiting = lines.clone();
        let waiting = tokio::spawn(async move { waiting.send(b"a\n".to_vec()).await });
        tokio::task::yield_now().await;
        drop(body);
        assert_eq!(waiting.await.unwrap(), Err(Closed));
        assert_eq!(lines.end(b"a\n".to_vec()).await, Err(Closed));
        assert!(gone.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_line_and_not_while_the_reader_is_the_slow_one() {
        let (lines, mut body, _) = channel();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let watching = lines.clone();
        let watch = tokio::spawn(async move { (watching.given_up().await, Instant::now()) });
        tokio::time::sleep(200 * second).await;
        lines.send(b"a\n".to_vec()).await.unwrap();
        tokio::time::sleep(1000 * second).await;
        assert!(!watch.is_finished(), "the reader took its time");
        next(&mut body).await.unwrap().unwrap();
        let (error, at) = watch.await.unwrap();
        assert!(error.message().contains("MAX_REQUEST_TIMEOUT"), "{error}");
        assert!((at - start) <= 1200 * second + SILENCE, "{:?}", at - start);
    }
}
