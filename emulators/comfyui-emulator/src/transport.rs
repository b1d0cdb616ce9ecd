//! The sockets below HTTP, made so that a test can pull the plug on them.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::faults::Faults;
use crate::observers::{Observer, Observers};

/// No bound on what a connection may still write.
const UNBOUNDED: u64 = u64::MAX;

/// Pulls the plug on one connection.
#[derive(Clone)]
pub(crate) struct Plug {
    cut: CancellationToken,
    remaining: Arc<AtomicU64>,
}

impl Plug {
    /// Closes the socket at once, whatever is under way on it.
    pub(crate) fn pull(&self) {
        self.cut.cancel();
    }

    /// Lets this many more bytes out, then closes the socket.
    pub(crate) fn pull_after(&self, bytes: u64) {
        self.remaining.store(bytes, Ordering::SeqCst);
    }
}

impl fmt::Debug for Plug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plug").field("pulled", &self.cut.is_cancelled()).finish_non_exhaustive()
    }
}

/// A TCP listener whose connections hang on the switches of [`Faults`].
pub(crate) struct PluggedListener {
    pub(crate) listener: TcpListener,
    pub(crate) faults: Faults,
    pub(crate) observers: Observers,
}

impl Listener for PluggedListener {
    type Io = PluggedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Small frames must not wait for each other; without it they are only late.
                    let _ = stream.set_nodelay(true);
                    let observer = self.observers.observer();
                    return (PluggedStream::new(stream, self.faults.connection_token(), observer), address);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, PluggedListener>> for Plug {
    fn connect_info(stream: IncomingStream<'_, PluggedListener>) -> Self {
        stream.io().plug.clone()
    }
}

/// A TCP stream that fails once its plug is pulled.
pub(crate) struct PluggedStream {
    stream: TcpStream,
    plug: Plug,
    pulled: Pin<Box<WaitForCancellationFutureOwned>>,
    observer: Option<Observer>,
}

impl PluggedStream {
    fn new(stream: TcpStream, cut: CancellationToken, observer: Option<Observer>) -> Self {
        let pulled = Box::pin(cut.clone().cancelled_owned());
        let plug = Plug { cut, remaining: Arc::new(AtomicU64::new(UNBOUNDED)) };
        Self { stream, plug, pulled, observer }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.pulled.as_mut().poll(context).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the plug was pulled"));
        }
        Ok(())
    }
}

impl AsyncRead for PluggedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some(observer)) = (&result, &mut self.observer) {
            observer(buffer.filled().get(before..).unwrap_or_default());
        }
        result
    }
}

impl AsyncWrite for PluggedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let remaining = self.plug.remaining.load(Ordering::SeqCst);
        if remaining == UNBOUNDED {
            return Pin::new(&mut self.stream).poll_write(context, buffer);
        }
        if remaining == 0 {
            self.plug.pull();
            return Poll::Ready(self.check(context).map(|()| 0));
        }
        let allowed = usize::try_from(remaining).map_or(buffer.len(), |most| most.min(buffer.len()));
        let written = buffer.get(..allowed).unwrap_or_default();
        let result = Pin::new(&mut self.stream).poll_write(context, written);
        if let Poll::Ready(Ok(count)) = result {
            self.plug.remaining.fetch_sub(count as u64, Ordering::SeqCst);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
