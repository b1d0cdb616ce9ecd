//! Standard input and output, as the daemon starts a plugin.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::Plugin;
use crate::outbox::Outbox;
use crate::runtime::{self, Input};
use crate::session::Shared;
use crate::settings::Settings;

/// Longest line that is read, in bytes. The daemon has no limit of its own for what it writes.
const MAX_REQUEST_LINE: usize = 64 * 1024 * 1024;

/// Lines that may wait for the dispatcher.
const INPUT_QUEUE: usize = 64;

/// Threads that calls share. Calls mostly wait for others; two keep one that computes from holding up the rest.
const WORKERS: usize = 2;

/// How long calls that were dropped have for what they leave to be done, such as cancelling a job on a server.
const CLEAN_UP: Duration = Duration::from_secs(2);

/// Serves until the input ends and all is answered or the process is told to stop (`Ok`), or until the output breaks
/// (`Err`).
pub(crate) fn serve(plugin: Arc<Plugin>, settings: &Settings) -> io::Result<()> {
    // The outbox first: its heartbeat is what Dify waits for.
    let (outbox, writer) = Outbox::start(protocol_output()?, settings.heartbeat_interval)?;
    let (sender, input) = mpsc::channel(INPUT_QUEUE);
    // Not joined: it may be in the middle of a read that never returns.
    thread::Builder::new().name("stdin".to_owned()).spawn(move || read_lines(BufReader::new(io::stdin()), &sender))?;
    let tokio = Builder::new_multi_thread().worker_threads(WORKERS).thread_name("calls").enable_all().build()?;
    let broken = outbox.clone();
    let ended = tokio.block_on(async {
        let calls = TaskTracker::new();
        let shared = Arc::new(Shared::new(settings.merged_file_limit));
        let mut serving = Box::pin(runtime::serve(plugin, input, outbox, shared, &calls));
        let ended = tokio::select! {
            () = &mut serving => Ended::Answered,
            () = broken.broken() => Ended::Broken,
            () = told_to_stop() => Ended::Told,
        };
        // Asked before they are dropped, which they are in no time.
        let were_at_work = !calls.is_empty();
        drop(serving);
        if were_at_work {
            sleep(CLEAN_UP).await;
        }
        ended
    });
    if ended == Ended::Told {
        // The writer may be in the middle of a write that nobody reads.
        return Ok(());
    }
    tokio.shutdown_background();
    drop(broken);
    writer.join().unwrap_or_else(|_| Err(io::Error::other("the writer failed")))
}

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

/// Resolves at the signals by which a process is asked to stop. Where there are none, never.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    std::future::pending().await
}

/// Standard output, for the protocol alone: from here on a stray `println!`, of whatever library, goes to standard error.
#[cfg(unix)]
fn protocol_output() -> io::Result<File> {
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(output))
}

#[cfg(not(unix))]
fn protocol_output() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}

fn read_lines(mut input: impl BufRead, lines: &mpsc::Sender<Input>) {
    loop {
        match read_line(&mut input, MAX_REQUEST_LINE) {
            Ok(Some(line)) => {
                if lines.blocking_send(line).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "standard input broke");
                return;
            }
        }
    }
}

/// The next line without its newline, or `None` at the end. What follows the last newline is a line as well.
fn read_line(input: &mut impl BufRead, limit: usize) -> io::Result<Option<Input>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Input::Line(line)));
    }
    if line.len() <= limit {
        return Ok(Some(Input::Line(line)));
    }
    drop(line);
    input.skip_until(b'\n')?;
    Ok(Some(Input::TooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8], limit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, limit).unwrap() {
            lines.push(match line {
                Input::Line(line) => String::from_utf8(line).unwrap(),
                Input::TooLong => "(too long)".to_owned(),
            });
        }
        lines
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        assert_eq!(lines(b"a\n\nb\r\nc", 10), ["a", "", "b\r", "c"]);
        assert_eq!(lines(b"", 10), [""; 0]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        assert_eq!(lines(b"1234\n12345\n1\n", 4), ["1234", "(too long)", "1"]);
        assert_eq!(lines(b"12345", 4), ["(too long)"]);
        assert_eq!(lines(b"1234", 4), ["1234"]);
    }
}
