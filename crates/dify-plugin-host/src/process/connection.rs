//! A plugin at the other end of a connection, watched as the daemon's debugging runtime does
//! (dify-plugin-daemon, `internal/core/debugging_runtime/lifetime.go`).

use std::sync::Arc;

use dify_plugin_protocol::limits::REMOTE_SILENCE;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep_until, timeout};

use super::heartbeats::HeartbeatRecord;
use super::reader::ReadingEnded;
use super::{Handle, PluginProcess, Shared, WAITING_LINES, reader, writer};
use crate::failure::Ended;
use crate::host::DifyHost;

impl PluginProcess {
    /// A plugin that has registered. `output` is what it writes, `input` what it reads.
    pub(crate) fn connected(
        output: impl AsyncRead + Unpin + Send + 'static,
        input: impl AsyncWrite + Unpin + Send + 'static,
        dify: &DifyHost,
    ) -> Self {
        let shared = Arc::new(Shared::new(dify.clone(), 0, HeartbeatRecord::new()));
        let (sender, lines) = mpsc::channel(WAITING_LINES);
        let (orders, mut received_orders) = mpsc::unbounded_channel();
        // Nothing but the connection tells that the plugin is gone.
        let (exited, exit_seen) = watch::channel(false);
        let output = dify.stdout_observers().observed(output);
        let mut reader = tokio::spawn(reader::read(output, Arc::clone(&shared), sender.clone(), exit_seen));
        let writer = tokio::spawn(writer::write(input, lines));
        let watched = Arc::clone(&shared);
        tokio::spawn(async move {
            let reason = loop {
                let silent_at = watched.heartbeats.last_heartbeat() + REMOTE_SILENCE;
                tokio::select! {
                    biased;
                    _ = received_orders.recv() => break Ended::Disconnected,
                    read = &mut reader => break match read {
                        Ok(ReadingEnded::LineTooLong) => Ended::LineTooLong,
                        _ => Ended::Disconnected,
                    },
                    () = sleep_until(silent_at.into()) => {
                        // There may have been a heartbeat meanwhile.
                        if watched.heartbeats.last_heartbeat() + REMOTE_SILENCE == silent_at {
                            break Ended::Silent { limit: REMOTE_SILENCE };
                        }
                    }
                }
            };
            reader.abort();
            writer.abort();
            // Both let go of the connection, which closes it.
            let _ = timeout(REMOTE_SILENCE, writer).await;
            drop(exited);
            let _ = watched.ended.set(reason.clone());
            watched.sessions.over();
            watched.exit.send_replace(Some(reason));
        });
        Self(Arc::new(Handle { shared, orders, input: sender }))
    }
}
