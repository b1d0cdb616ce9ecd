use std::time::Duration;

/// Why a call over HTTP failed, or would have seemed to go well and did not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerlessFailure {
    /// The daemon sends nothing that large.
    #[error("ServerlessPayloadTooLarge: payload_bytes={bytes} max_request_bytes={limit}")]
    RequestTooLarge {
        /// Bytes of the request.
        bytes: usize,
        /// Most bytes that the daemon sends.
        limit: usize,
    },
    /// No attempt got an answer.
    #[error("Error sending request to serverless: all {attempts} attempts failed, last error: {reason}")]
    Unreachable {
        /// How often it was tried.
        attempts: u32,
        /// What the last attempt brought.
        reason: String,
    },
    /// A status that is neither 2xx nor sent again, or what looks like an error of the platform under the plugin.
    #[error("Plugin runtime request failed: {error_type}: {message} (status {status})")]
    Runtime {
        /// The status.
        status: u16,
        /// `errorType` of the body, or the status as text.
        error_type: String,
        /// `errorMessage` of the body; may be empty.
        message: String,
    },
    /// The answer broke off.
    #[error("failed to read response body: {reason}")]
    BrokeOff {
        /// Why.
        reason: String,
    },
    /// A line longer than the daemon's buffer.
    #[error("failed to read response body: a line is too long")]
    LineTooLong,
    /// The answer had no line about the call.
    #[error("Plugin runtime request failed: no valid session response")]
    NoSessionResponse,
    /// The answer ended without an `end`, which the daemon does not notice.
    #[error("the answer ended without `end`: the daemon takes half an answer for a whole one")]
    NoEnd,
    /// A call back in the answer, where the daemon takes none.
    #[error("serverless_event_not_supported: a call back must be an HTTP request of its own")]
    InvokeInAnswer,
    /// No `end` in time.
    #[error("killed by timeout: no `end` within {limit:?}")]
    TimeLimit {
        /// The limit set; 600 s in a real daemon.
        limit: Duration,
    },
}
