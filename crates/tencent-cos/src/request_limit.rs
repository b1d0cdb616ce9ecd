use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::CosError;

/// How many requests may be under way at a time; others wait. Clones count together.
#[derive(Clone)]
pub struct RequestLimit {
    places: Arc<Semaphore>,
    most: usize,
}

impl RequestLimit {
    /// At most `most` requests at a time, and at least one. A download counts until its last byte.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(most)), most }
    }

    pub(crate) async fn place(&self, patience: Duration) -> Result<OwnedSemaphorePermit, CosError> {
        match timeout(patience, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => Err(CosError::Busy { most: self.most, waited: patience }),
        }
    }
}

impl Default for RequestLimit {
    /// 16 requests.
    fn default() -> Self {
        Self::new(16)
    }
}

impl fmt::Debug for RequestLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLimit").field("most", &self.most).finish_non_exhaustive()
    }
}
