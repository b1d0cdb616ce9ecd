//! Who writes next, of many that may.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Turns at an output. Whoever is in line comes before whoever just tries.
#[derive(Debug, Default)]
pub(super) struct Turns {
    writing: Mutex<()>,
    in_line: AtomicUsize,
}

impl Turns {
    /// Stands in line; until [`done`](Self::done) no [`try_take`](Self::try_take) succeeds that begins after.
    pub(super) fn stand_in_line(&self) {
        self.in_line.fetch_add(1, Ordering::Relaxed);
    }

    /// `count` of those in line have written.
    pub(super) fn done(&self, count: usize) {
        // Whoever sees it sees them gone: what follows them in a call may go past the queue.
        self.in_line.fetch_sub(count, Ordering::Release);
    }

    /// Takes the turn, for one in line. Waits for the one who writes.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the turn unless somebody writes or is in line. Does not wait.
    #[cfg(any(test, target_os = "linux"))]
    pub(super) fn try_take(&self) -> Option<MutexGuard<'_, ()>> {
        use std::sync::TryLockError::{Poisoned, WouldBlock};
        if self.in_line.load(Ordering::Acquire) > 0 {
            return None;
        }
        match self.writing.try_lock() {
            Ok(turn) => Some(turn),
            Err(Poisoned(turn)) => Some(turn.into_inner()),
            Err(WouldBlock) => None,
        }
    }

    /// Whether somebody writes.
    #[cfg(test)]
    pub(super) fn is_taken(&self) -> bool {
        self.writing.try_lock().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_goes_past_those_in_line() {
        let turns = Turns::default();
        drop(turns.try_take().unwrap());
        turns.stand_in_line();
        turns.stand_in_line();
        assert!(turns.try_take().is_none());
        drop(turns.take());
        assert!(turns.try_take().is_none());
        turns.done(2);
        assert!(turns.try_take().is_some());
    }

    #[test]
    fn one_writes_at_a_time() {
        let turns = Turns::default();
        let turn = turns.take();
        assert!(turns.try_take().is_none());
        drop(turn);
        let turn = turns.try_take().unwrap();
        assert!(turns.try_take().is_none());
        drop(turn);
        assert!(turns.try_take().is_some());
    }
}
