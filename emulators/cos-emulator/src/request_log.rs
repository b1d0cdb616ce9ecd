//! What came in and what status went out, for tests to read.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// The oldest entries go first beyond this many.
const CAPACITY: usize = 10_000;

/// One answered request. Of its headers only these are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// The Host header, with its port.
    pub host: String,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent, without its question mark; empty when there was none.
    pub query: String,
    /// The Range header.
    pub range: Option<String>,
    /// The SecretId that the signature names.
    pub secret_id: Option<String>,
    /// The status that was answered.
    pub status: u16,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<VecDeque<LoggedRequest>>);

impl RequestLog {
    pub(crate) fn push(&self, request: LoggedRequest) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CAPACITY {
            entries.pop_front();
        }
        entries.push_back(request);
    }

    pub(crate) fn snapshot(&self) -> Vec<LoggedRequest> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded() {
        let log = RequestLog::default();
        for number in 0..=CAPACITY {
            log.push(LoggedRequest {
                method: "GET".into(),
                host: String::new(),
                path: format!("/{number}"),
                query: String::new(),
                range: None,
                secret_id: None,
                status: 200,
            });
        }
        let entries = log.snapshot();
        assert_eq!(entries.len(), CAPACITY);
        assert_eq!(entries[0].path, "/1");
    }
}
