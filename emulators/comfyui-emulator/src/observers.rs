//! Tests may look at every byte that clients send.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Sees the bytes of one connection, in order.
pub type Observer = Box<dyn FnMut(&[u8]) + Send>;

/// Makes an observer for each connection.
#[derive(Clone, Default)]
pub(crate) struct Observers(Arc<Mutex<Option<MakeObserver>>>);

type MakeObserver = Arc<dyn Fn() -> Observer + Send + Sync>;

impl Observers {
    /// From now on.
    pub(crate) fn set(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(make));
    }

    /// For a new connection.
    pub(crate) fn observer(&self) -> Option<Observer> {
        let make = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        make.map(|make| make())
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").finish_non_exhaustive()
    }
}
