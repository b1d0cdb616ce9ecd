//! Ids in the shape that COS gives its requests: base64 of
//! `time_address_process_number`, each in hexadecimal (COS page "Common
//! Response Headers").

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use uuid::Uuid;

use crate::timestamps;

/// Gives each answer of one server its own id.
#[derive(Debug, Default)]
pub(crate) struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn next(&self, now: SystemTime) -> String {
        let seconds = timestamps::seconds(now);
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        STANDARD.encode(format!("{seconds:x}_7f000001_{process:x}_{number:x}"))
    }
}

/// An id of the kind that only errors carry.
pub(crate) fn trace_id() -> String {
    STANDARD.encode(format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn ids_differ_and_say_when() {
        let ids = RequestIds::default();
        let now = UNIX_EPOCH + Duration::from_secs(0x5e90_3dd4);
        let (first, second) = (ids.next(now), ids.next(now));
        assert_ne!(first, second);
        let text = String::from_utf8(STANDARD.decode(first).unwrap()).unwrap();
        assert!(text.starts_with("5e903dd4_7f000001_"), "{text}");
        assert_ne!(trace_id(), trace_id());
    }
}
