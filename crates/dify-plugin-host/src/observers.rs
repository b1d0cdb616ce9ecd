//! Tests may look at every byte that leaves a plugin, as it comes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncRead;
use tokio_util::io::InspectReader;

/// Sees the bytes of one stream, in order.
pub type Observer = Box<dyn FnMut(&[u8]) + Send>;

/// Makes an observer for each stream that begins.
#[derive(Clone, Default)]
pub(crate) struct Observers(Arc<Mutex<Option<MakeObserver>>>);

type MakeObserver = Arc<dyn Fn() -> Observer + Send + Sync>;

impl Observers {
    /// From now on.
    pub(crate) fn set(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(make));
    }

    /// `stream`, with what is read from it shown to an observer of its own if there is one.
    pub(crate) fn observed<S: AsyncRead>(&self, stream: S) -> InspectReader<S, Observer> {
        let make = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        InspectReader::new(stream, make.map_or_else(|| -> Observer { Box::new(|_| ()) }, |make| make()))
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observers").finish_non_exhaustive()
    }
}
