//! Watches over a process until its end.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::failure::Ended;

use super::reader::ReadingEnded;
use super::{Exit, Shared};

/// How long a process may take to end after it closed its output. Both happen together when it ends by itself.
const LINGERS: Duration = Duration::from_secs(1);
/// How long to wait for the last of standard error: a child of the plugin may hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What a user of the process wants.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Kill,
    Stop,
}

#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) child: Child,
    pub(super) reader: JoinHandle<ReadingEnded>,
    pub(super) writer: JoinHandle<()>,
    pub(super) stderr: JoinHandle<()>,
    /// Tells the reader that the process is gone.
    pub(super) exited: watch::Sender<bool>,
    pub(super) shared: Arc<Shared>,
}

impl Supervisor {
    pub(super) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        let (reason, status) = self.watch(&mut orders).await;
        self.writer.abort();
        if timeout(LAST_WORDS, &mut self.stderr).await.is_err() {
            self.stderr.abort();
        }
        let _ = self.shared.ended.set(reason.clone());
        self.shared.sessions.over();
        self.shared.exit.send_replace(Some(Exit { reason, status }));
    }

    async fn watch(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> (Ended, Option<ExitStatus>) {
        let mut reason = None;
        loop {
            let silence = self.shared.host.silence();
            let still_allowed = silence.saturating_sub(self.shared.heartbeats.last_sign().elapsed());
            tokio::select! {
                biased;
                Some(order) = orders.recv() => {
                    if let Order::Stop = order {
                        self.reader.abort();
                        return (reason.unwrap_or(Ended::Stopped), self.kill().await.ok());
                    }
                    reason.get_or_insert(Ended::Killed);
                    let _ = self.child.start_kill();
                }
                read = &mut self.reader => {
                    if let Ok(ReadingEnded::LineTooLong) = read {
                        return (reason.unwrap_or(Ended::LineTooLong), self.kill().await.ok());
                    }
                    return match timeout(LINGERS, self.child.wait()).await {
                        Ok(status) => ended(reason, status),
                        Err(_) => (reason.unwrap_or(Ended::OutputClosed), self.kill().await.ok()),
                    };
                }
                status = self.child.wait() => {
                    // What it wrote last is still in the pipe.
                    self.exited.send_replace(true);
                    loop {
                        tokio::select! {
                            biased;
                            Some(order) = orders.recv() => if let Order::Stop = order { self.reader.abort() },
                            read = &mut self.reader => {
                                let too_long = matches!(read, Ok(ReadingEnded::LineTooLong));
                                let reason = reason.or(too_long.then_some(Ended::LineTooLong));
                                return ended(reason, status);
                            }
                        }
                    }
                }
                () = sleep(still_allowed) => {
                    // There may have been a sign meanwhile.
                    if self.shared.heartbeats.last_sign().elapsed() >= silence {
                        self.reader.abort();
                        return (reason.unwrap_or(Ended::Silent { limit: silence }), self.kill().await.ok());
                    }
                }
            }
        }
    }

    /// Kills and reaps.
    async fn kill(&mut self) -> std::io::Result<ExitStatus> {
        self.writer.abort();
        self.stderr.abort();
        self.child.start_kill()?;
        self.child.wait().await
    }
}

fn ended(reason: Option<Ended>, status: std::io::Result<ExitStatus>) -> (Ended, Option<ExitStatus>) {
    match status {
        Ok(status) => (reason.unwrap_or(Ended::Exited { status }), Some(status)),
        Err(error) => (reason.unwrap_or(Ended::Unknown { reason: error.to_string() }), None),
    }
}
