//! Standard input and output, as the daemon starts a plugin.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::Plugin;
use crate::outbox::Outbox;
use crate::runtime;
use crate::session::Shared;
use crate::settings::Settings;
use crate::transport::lines::{INPUT_QUEUE, read_lines};
use crate::transport::stop_signal::StopSignal;
use crate::transport::workers::{CLEAN_UP, worker_threads};

/// Serves until the input ends and all is answered or the process is told to stop (`Ok`), or until the output breaks
/// (`Err`).
pub(crate) fn serve(plugin: Arc<Plugin>, settings: &Settings) -> io::Result<()> {
    // The outbox first: its heartbeat is what Dify waits for.
    let (outbox, writer) = Outbox::start(protocol_output()?, settings.heartbeat_interval)?;
    let (sender, input) = mpsc::channel(INPUT_QUEUE);
    // Not joined: it may be in the middle of a read that never returns.
    thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        if let Err(error) = read_lines(BufReader::new(io::stdin()), &sender) {
            tracing::error!(%error, "standard input broke");
        }
    })?;
    let tokio = worker_threads()?;
    let broken = outbox.clone();
    let ended = tokio.block_on(async {
        let mut stop = StopSignal::new()?;
        let calls = TaskTracker::new();
        let shared = Arc::new(Shared::new(settings.merged_file_limit));
        let mut serving = Box::pin(runtime::serve(plugin, input, outbox, shared, &calls));
        let ended = tokio::select! {
            () = &mut serving => Ended::Answered,
            () = broken.broken() => Ended::Broken,
            () = stop.received() => Ended::Told,
        };
        // Asked before they are dropped, which they are in no time.
        let were_at_work = !calls.is_empty();
        drop(serving);
        if were_at_work {
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
