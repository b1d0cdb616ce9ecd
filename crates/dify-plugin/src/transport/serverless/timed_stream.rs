use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A connection with deadlines that the HTTP library does not have: for a request's head once it has begun, and for a
/// reader that takes nothing.
#[derive(Debug)]
pub(super) struct TimedStream<S> {
    stream: S,
    head_limit: Duration,
    stall_limit: Duration,
    requests: Requests,
    seen: usize,
    head: Option<Pin<Box<Sleep>>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

/// Counts up when a request begins and when its response has ended: while it is odd, a request is at work.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests(Arc<AtomicUsize>);

/// A request at work, until it is dropped.
#[derive(Debug)]
pub(super) struct RequestAtWork(Requests);

impl Requests {
    /// A request has begun: its head was read.
    pub(super) fn begin(&self) -> RequestAtWork {
        self.0.fetch_add(1, Ordering::Relaxed);
        RequestAtWork(self.clone())
    }
}

impl Drop for RequestAtWork {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<S> TimedStream<S> {
    /// A head may take `head_limit` from its first byte on, and a reader may take nothing for `stall_limit`.
    pub(super) const fn new(stream: S, requests: Requests, head_limit: Duration, stall_limit: Duration) -> Self {
        Self { stream, head_limit, stall_limit, requests, seen: 0, head: None, stalled: None }
    }

    /// What became of a write, or that it took too long.
    fn unless_stalled(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.stall_limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let requests = this.requests.0.load(Ordering::Relaxed);
        if requests != this.seen {
            this.seen = requests;
            this.head = None;
        }
        let filled = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        let is_between_requests = requests.is_multiple_of(2);
        if read.is_ready() {
            if is_between_requests && buffer.filled().len() > filled && this.head.is_none() {
                this.head = Some(Box::pin(sleep(this.head_limit)));
            }
            return read;
        }
        match &mut this.head {
            Some(head) if is_between_requests => {
                head.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            _ => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_stalled(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.unless_stalled(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
