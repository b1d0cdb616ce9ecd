//! The time as ComfyUI writes it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970, the unit of every `timestamp` and `create_time`.
pub(crate) fn milliseconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}
