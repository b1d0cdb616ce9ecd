//! The end of what a process says on standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use super::Shared;

const KEPT: usize = 64 * 1024;

/// The last 64 KiB.
#[derive(Debug, Default)]
pub(super) struct StderrTail(Mutex<VecDeque<u8>>);

impl StderrTail {
    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(bytes);
        let excess = kept.len().saturating_sub(KEPT);
        kept.drain(..excess);
    }

    /// Up to `bytes` of it.
    pub(super) fn last(&self, bytes: usize) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = kept.len().saturating_sub(bytes);
        let bytes: Vec<u8> = kept.iter().skip(skipped).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

pub(super) async fn read(mut stderr: impl AsyncRead + Unpin + Send, shared: Arc<Shared>) {
    let mut buffer = vec![0; 8 * 1024];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        shared.heartbeats.sign();
        shared.stderr.add(buffer.get(..read).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let tail = StderrTail::default();
        tail.add(&[b'a'; KEPT]);
        tail.add(b"bc");
        assert_eq!(tail.last(3), "abc");
        assert_eq!(tail.last(usize::MAX).len(), KEPT);
    }
}
