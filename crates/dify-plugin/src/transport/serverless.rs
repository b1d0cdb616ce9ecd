//! An HTTP server, as the daemon's serverless runtime asks plugins (dify-plugin-daemon,
//! `internal/core/serverless_runtime/io.go`; Python SDK, `core/server/serverless`).

mod limits;
mod refusal;
mod request_body;
mod response_body;
mod response_lines;
mod server;
mod service;
mod timed_stream;

use std::io;
use std::net;
use std::sync::Arc;

use tokio::net::TcpListener;

pub(crate) use self::response_lines::ResponseLines;
use self::service::Service;
use super::stop_signal::StopSignal;
use super::workers::worker_threads;
use crate::Plugin;
use crate::answering::Answering;
use crate::given_up::give_up_rights;
use crate::session::Shared;
use crate::settings::{ServerlessSettings, Settings};

/// Serves until the process is told to stop.
///
/// # Errors
/// When it cannot listen; the text names the address and the variables that decide it.
pub(crate) fn serve(plugin: Arc<Plugin>, settings: &Settings, serverless: &ServerlessSettings) -> io::Result<()> {
    let listener = listen(&serverless.host, serverless.port)?;
    // After it listens, which it may not do any more from here on, and before there are threads.
    give_up_rights(&plugin);
    let tokio = worker_threads()?;
    tokio.block_on(async {
        let stop = StopSignal::new()?;
        let listener = TcpListener::from_std(listener)?;
        let (name, version) = plugin.name_and_version();
        eprintln!("{name} {version} listens on http://{}", listener.local_addr()?);
        let answering = Answering::new(plugin, Arc::new(Shared::new(settings.merged_file_limit)));
        let service = Arc::new(Service::new(answering, serverless));
        server::serve(listener, service, serverless, stop).await;
        Ok::<_, io::Error>(())
    })?;
    // What an author left behind is not waited for.
    tokio.shutdown_background();
    Ok(())
}

fn listen(host: &str, port: u16) -> io::Result<net::TcpListener> {
    let listener = net::TcpListener::bind((host, port)).map_err(|error| {
        io::Error::other(format!("cannot listen on {host}:{port} (SERVERLESS_HOST, SERVERLESS_PORT): {error}"))
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
