//! An HTTP server on 127.0.0.1 that lives as long as its owner.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

#[derive(Debug)]
pub(crate) struct LoopbackServer {
    address: SocketAddr,
    task: AbortHandle,
}

impl LoopbackServer {
    pub(crate) async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the server on 127.0.0.1 ended");
            }
        });
        Ok(Self { address, task: task.abort_handle() })
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for LoopbackServer {
    fn drop(&mut self) {
        self.task.abort();
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
