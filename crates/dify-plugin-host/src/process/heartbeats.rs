//! Signs of life.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Heartbeats whose times are remembered.
const REMEMBERED: usize = 1024;

/// When heartbeats came, measured from the start of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heartbeats {
    /// How many came.
    pub count: u64,
    /// When the first 1024 came.
    pub times: Vec<Duration>,
    /// The longest time without one, counting from the start and up to now.
    pub max_gap: Duration,
}

/// Collects them.
#[derive(Debug)]
pub(super) struct HeartbeatRecord {
    started: Instant,
    state: Mutex<State>,
    first: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    seen: Heartbeats,
    last_heartbeat: Instant,
    /// Anything on standard output or standard error.
    last_sign: Instant,
}

impl HeartbeatRecord {
    pub(super) fn new() -> Self {
        let started = Instant::now();
        let state = State { seen: Heartbeats::default(), last_heartbeat: started, last_sign: started };
        Self { started, state: Mutex::new(state), first: watch::Sender::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sign(&self) {
        self.state().last_sign = Instant::now();
    }

    pub(super) fn beat(&self) {
        let now = Instant::now();
        let mut state = self.state();
        state.seen.count += 1;
        state.seen.max_gap = state.seen.max_gap.max(now - state.last_heartbeat);
        state.last_heartbeat = now;
        if state.seen.times.len() < REMEMBERED {
            state.seen.times.push(now - self.started);
        }
        drop(state);
        self.first.send_replace(true);
    }

    /// Waits for the first heartbeat.
    pub(super) async fn first(&self) {
        let _ = self.first.subscribe().wait_for(|first| *first).await;
    }

    pub(super) fn last_sign(&self) -> Instant {
        self.state().last_sign
    }

    pub(super) fn last_heartbeat(&self) -> Instant {
        self.state().last_heartbeat
    }

    pub(super) fn get(&self) -> Heartbeats {
        let state = self.state();
        let mut seen = state.seen.clone();
        seen.max_gap = seen.max_gap.max(state.last_heartbeat.elapsed());
        seen
    }
}
