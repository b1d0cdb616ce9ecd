//! An HTTP server on 127.0.0.1 that lives as long as its owner.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_util::io::InspectReader;

use crate::observers::{Observer, Observers};

#[derive(Debug)]
pub(crate) struct LoopbackServer {
    address: SocketAddr,
    task: AbortHandle,
    observers: Observers,
}

impl LoopbackServer {
    pub(crate) async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let observers = Observers::default();
        let listener = ObservedListener { listener, observers: observers.clone() };
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the server on 127.0.0.1 ended");
            }
        });
        Ok(Self { address, task: task.abort_handle(), observers })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Shows what clients send to observers, one for each connection from now on.
    pub(crate) fn observe_requests(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.observers.set(make);
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct ObservedListener {
    listener: TcpListener,
    observers: Observers,
}

impl Listener for ObservedListener {
    type Io = InspectReader<TcpStream, Observer>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        (self.observers.observed(stream), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// An address on which nobody listens.
pub(crate) fn unreachable_origin() -> String {
    // A port that was free a moment ago; port 9 (discard) where the system gives none.
    let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_or(9, |address| address.port());
    format!("http://127.0.0.1:{port}")
}
