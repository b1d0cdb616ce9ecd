use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Threads that calls share. Calls mostly wait for others; two keep one that computes from holding up the rest.
const WORKERS: usize = 2;

/// How long calls that were dropped have for what they leave to be done, such as cancelling a job on a server.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(2);

/// What calls run on.
pub(crate) fn worker_threads() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).thread_name("calls").enable_all().build()
}
