//! Lines to the plugin, whole and in order.

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// What goes to the plugin.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// With its newline.
    Line(Vec<u8>),
    /// Nothing more.
    Close,
}

/// Writes until told to close, or the plugin reads no more.
pub(super) async fn write(mut input: impl AsyncWrite + Unpin + Send, mut lines: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing::Line(line)) = lines.recv().await {
        if let Err(error) = input.write_all(&line).await {
            tracing::debug!(%error, "the plugin does not read");
            return;
        }
    }
}
