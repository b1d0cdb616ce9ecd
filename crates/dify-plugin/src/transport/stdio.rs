//! Standard input and output, as the daemon starts a plugin.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Plugin;
use crate::outbox::Outbox;
use crate::runtime::Runtime;
use crate::session::Shared;
use crate::settings::Settings;
use crate::transport::lines::read_lines;
use crate::transport::stop_signal::StopSignal;
use crate::transport::workers::{CLEAN_UP, worker_threads};

/// Serves until the input ends and all is answered or the process is told to stop (`Ok`), or until the output breaks
/// (`Err`).
pub(crate) fn serve(plugin: Arc<Plugin>, settings: &Settings) -> io::Result<()> {
    // The outbox first: its heartbeat is what Dify waits for.
    let (outbox, writer) = start_outbox(settings.heartbeat_interval)?;
    let tokio = worker_threads()?;
    let broken = outbox.clone();
    let ended = tokio.block_on(async {
        let mut stop = StopSignal::new()?;
        let shared = Arc::new(Shared::new(settings.merged_file_limit));
        let runtime = Arc::new(Runtime::new(plugin, outbox, shared, TaskTracker::new()));
        let input = read_input(Arc::clone(&runtime))?;
        let answered = async {
            input.cancelled().await;
            runtime.finish().await;
        };
        let ended = tokio::select! {
            () = answered => Ended::Answered,
            () = broken.broken() => Ended::Broken,
            () = stop.received() => Ended::Told,
        };
        if runtime.abandon() {
            sleep(CLEAN_UP).await;
        }
        Ok::<_, io::Error>(ended)
    })?;
    if ended == Ended::Told {
        // The writer may be in the middle of a write that nobody reads.
        return Ok(());
    }
    tokio.shutdown_background();
    drop(broken);
    writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer failed")))
}

/// Hands what comes on standard input to `runtime`, on a thread that reads and starts the calls itself: one turn less
/// for each call. The token is cancelled when the input has ended and the thread has let go of the runtime.
fn read_input(runtime: Arc<Runtime>) -> io::Result<CancellationToken> {
    let ended = CancellationToken::new();
    let tokio = Handle::current();
    let end = ended.clone().drop_guard();
    // Not joined: it may be in the middle of a read that never returns.
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        // Dropped after the runtime, which the closure below takes with it.
        let _end = end;
        let _inside = tokio.enter();
        let take = move |input| {
            if let Err(complaint) = runtime.take(input) {
                // Nothing more is read until there is room for it.
                tokio.block_on(runtime.complain(&complaint));
            }
            if runtime.is_abandoned() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        if let Err(error) = read_lines(BufReader::new(io::stdin()), take) {
            tracing::error!(%error, "standard input broke");
        }
    })?;
    Ok(ended)
}

/// Bytes that the pipe to Dify is asked to hold: what Linux gives to everybody.
#[cfg(target_os = "linux")]
const PIPE_SIZE: usize = 1024 * 1024;

/// Why serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// The input did, and all is answered.
    Answered,
    /// Nobody reads the answers any more.
    Broken,
    /// By a signal.
    Told,
}

#[cfg(target_os = "linux")]
fn start_outbox(heartbeat: Duration) -> io::Result<(Outbox, JoinHandle<io::Result<()>>)> {
    Outbox::start_on_pipe(protocol_output()?, heartbeat)
}

#[cfg(not(target_os = "linux"))]
fn start_outbox(heartbeat: Duration) -> io::Result<(Outbox, JoinHandle<io::Result<()>>)> {
    Outbox::start(protocol_output()?, heartbeat)
}

/// Standard output, for the protocol alone: from here on a stray `println!`, of whatever library, goes to standard error.
#[cfg(unix)]
fn protocol_output() -> io::Result<File> {
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    // Fewer turns between writer and reader. It may be no pipe, or more than this user may have.
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE_SIZE);
    Ok(File::from(output))
}

#[cfg(not(unix))]
fn protocol_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}
