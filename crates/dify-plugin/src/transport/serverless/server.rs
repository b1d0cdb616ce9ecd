//! The HTTP server: connections, and the end of the process.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::limits::{CONNECTION_BUFFER, DRAIN, HEAD, IDLE, LAST_BYTES, MAX_HEAD, MAX_HEADERS, MORE_CONNECTIONS};
use super::service::Service;
use super::timed_stream::{Requests, TimedStream};
use crate::settings::ServerlessSettings;
use crate::transport::stop_signal::StopSignal;
use crate::transport::workers::CLEAN_UP;

/// Pause after a connection could not be accepted, mostly because there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the process is told to stop and its calls are over or given up.
pub(super) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    settings: &ServerlessSettings,
    mut stop: StopSignal,
) {
    let connections = GracefulShutdown::new();
    let stall_limit = settings.silence;
    let were_given_up = {
        let mut accepting = pin!(accept(&listener, &service, settings.calls, stall_limit, &connections));
        tokio::select! {
            never = &mut accepting => match never {},
            () = stop.received() => {}
        }
        service.draining.cancel();
        service.calls.close();
        // Connections are still accepted: who probes or calls is told that it is over.
        tokio::select! {
            never = &mut accepting => match never {},
            were_given_up = drain(&service, &mut stop) => were_given_up,
        }
    };
    drop(listener);
    // The ends of the last answers.
    let _ = timeout(LAST_BYTES, connections.shutdown()).await;
    if were_given_up {
        sleep(CLEAN_UP).await;
    }
}

/// Waits for the calls at work. Those that are not over in time, or at a second signal, are given up; says whether
/// there were any.
async fn drain(service: &Service, stop: &mut StopSignal) -> bool {
    tokio::select! {
        () = service.calls.wait() => return false,
        () = sleep(DRAIN) => {}
        () = stop.received() => {}
    }
    service.stopping.cancel();
    // Each now says so to its reader and ends.
    let _ = timeout(LAST_BYTES, service.calls.wait()).await;
    true
}

async fn accept(
    listener: &TcpListener,
    service: &Arc<Service>,
    calls: usize,
    stall_limit: Duration,
    connections: &GracefulShutdown,
) -> Infallible {
    let places = Arc::new(Semaphore::new(calls + MORE_CONNECTIONS));
    loop {
        // Nothing closes it.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { continue };
        match listener.accept().await {
            Ok((stream, _)) => {
                // Small lines should not wait for large ones.
                let _ = stream.set_nodelay(true);
                let serving = serve_connection(stream, Arc::clone(service), stall_limit, connections.watcher());
                tokio::spawn(async move {
                    let _place = place;
                    serving.await;
                });
            }
            Err(error) => {
                if !is_of_the_connection(&error) {
                    tracing::error!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether only the one who connected is concerned.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

async fn serve_connection<S>(stream: S, service: Arc<Service>, stall_limit: Duration, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let requests = Requests::default();
    let stream = TimedStream::new(stream, requests.clone(), HEAD, stall_limit);
    let answering = service_fn(move |request| {
        let at_work = requests.begin();
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(service.answer(request, at_work).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD)
        .max_buf_size(CONNECTION_BUFFER)
        .serve_connection(TokioIo::new(stream), answering);
    if let Err(error) = watcher.watch(connection).await {
        // The other end is gone, slow, or speaks something else.
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests;
