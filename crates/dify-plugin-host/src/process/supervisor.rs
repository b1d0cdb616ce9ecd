//! Watches over a process until its end.

use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::failure::Ended;

use super::Shared;
use super::reader::ReadingEnded;

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
        let reason = self.watch(&mut orders).await;
        self.writer.abort();
        if timeout(LAST_WORDS, &mut self.stderr).await.is_err() {
            self.stderr.abort();
        }
        let _ = self.shared.ended.set(reason.clone());
        self.shared.sessions.over();
        self.shared.exit.send_replace(Some(reason));
    }

    async fn watch(&mut self, orders: &mut mpsc::UnboundedReceiver<Order>) -> Ended {
        let mut reason = None;
        loop {
            let silence = self.shared.host.silence();
            let still_allowed = silence.saturating_sub(self.shared.heartbeats.last_sign().elapsed());
            tokio::select! {
                biased;
                Some(order) = orders.recv() => {
                    if let Order::Stop = order {
                        self.reader.abort();
                        self.kill().await;
                        return reason.unwrap_or(Ended::Stopped);
                    }
                    reason.get_or_insert(Ended::Killed);
                    let _ = self.child.start_kill();
                }
                read = &mut self.reader => {
                    if let Ok(ReadingEnded::LineTooLong) = read {
                        self.kill().await;
                        return reason.unwrap_or(Ended::LineTooLong);
                    }
                    return match timeout(LINGERS, self.child.wait()).await {
                        Ok(status) => self.exited(reason, status),
                        Err(_) => {
                            self.kill().await;
                            reason.unwrap_or(Ended::OutputClosed)
                        }
                    };
                }
                status = self.child.wait() => {
                    // What it wrote last is still in the pipe.
                    self.exited.send_replace(true);
                    let exited = self.exited(None, status);
                    loop {
                        tokio::select! {
                            biased;
                            Some(order) = orders.recv() => if let Order::Stop = order { self.reader.abort() },
                            read = &mut self.reader => {
                                let too_long = matches!(read, Ok(ReadingEnded::LineTooLong));
                                let reason = reason.or(too_long.then_some(Ended::LineTooLong));
                                return reason.unwrap_or(exited);
                            }
                        }
                    }
                }
                () = sleep(still_allowed) => {
                    // There may have been a sign meanwhile.
                    if self.shared.heartbeats.last_sign().elapsed() >= silence {
                        self.reader.abort();
                        self.kill().await;
                        return reason.unwrap_or(Ended::Silent { limit: silence });
                    }
                }
            }
        }
    }

    /// Kills and reaps.
    async fn kill(&mut self) {
        self.writer.abort();
        self.stderr.abort();
        if self.child.start_kill().is_ok()
            && let Ok(status) = self.child.wait().await
        {
            let _ = self.shared.status.set(status);
        }
    }

    fn exited(&self, reason: Option<Ended>, status: std::io::Result<ExitStatus>) -> Ended {
        match status {
            Ok(status) => {
                let _ = self.shared.status.set(status);
                reason.unwrap_or(Ended::Exited { status })
            }
            Err(error) => reason.unwrap_or(Ended::Unknown { reason: error.to_string() }),
        }
    }
}
