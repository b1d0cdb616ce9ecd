//! Lines to the plugin, whole and in order.

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

/// What goes to standard input.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// With its newline.
    Line(Vec<u8>),
    /// Nothing more.
    Close,
}

/// Writes until told to close, or the plugin reads no more.
pub(super) async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Outgoing>) {
    while let Some(Outgoing::Line(line)) = lines.recv().await {
        if let Err(error) = stdin.write_all(&line).await {
            tracing::debug!(%error, "the plugin does not read its standard input");
            return;
        }
    }
}
