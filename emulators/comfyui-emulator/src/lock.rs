//! One way to take a mutex.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the mutex even when a thread has panicked with it: every section in this crate leaves
/// its data whole at each step, and a test that failed elsewhere should not hide behind this.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
