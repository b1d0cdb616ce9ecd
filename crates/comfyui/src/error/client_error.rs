use std::time::Duration;

use origin_client::{OriginError, TransportError, TransportFailure};

use crate::Rejection;

/// Why one call to the server gave nothing. No variant holds a credential, nor a URL beyond scheme, host and port.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A Bearer key was given, and the address holds `name:password@`: only one can be sent.
    #[error(
        "two of an API key, an Authorization header, and a name and password in the server address are set: leave one of them out"
    )]
    TwoCredentials,
    /// The extra header cannot be sent.
    #[error("the extra header cannot be used: {reason}")]
    HeaderNotSendable {
        /// Why, without its value.
        reason: &'static str,
    },
    /// The key has characters that an HTTP header cannot carry.
    #[error("the API key has characters that cannot be sent, such as a line break: enter it again")]
    KeyNotSendable,
    /// The address cannot be called at all, or TLS could not be set up.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The exchange failed on the way.
    #[error("{error}{}", hint(error, *loopback))]
    Transport {
        /// What happened, and to which server.
        error: TransportError,
        /// Whether the server address is this machine.
        loopback: bool,
    },
    /// The whole call took too long.
    #[error("{call}: no complete answer within {} s", after.as_secs())]
    TimedOut {
        /// Method and route.
        call: &'static str,
        /// The call's limit.
        after: Duration,
    },
    /// 401 or 403: by the gateway in front of ComfyUI, which itself asks nobody who they are.
    #[error("{call}: the server refused access (HTTP {status}): check the API key{}", parenthesis(excerpt))]
    AccessRefused {
        /// Method and route.
        call: &'static str,
        /// 401 or 403.
        status: u16,
        /// What the server said, cleaned and cut; may be empty.
        excerpt: String,
    },
    /// 413: more bytes than the server takes.
    #[error(
        "{call}: more bytes than the server accepts (ComfyUI's --max-upload-size, 100 MB by default){}",
        parenthesis(excerpt)
    )]
    TooMuchSent {
        /// Method and route.
        call: &'static str,
        /// What the server said, cleaned and cut; may be empty.
        excerpt: String,
    },
    /// Any other status that is no success.
    #[error("{call}: HTTP {status}{}", parenthesis(excerpt))]
    Status {
        /// Method and route.
        call: &'static str,
        /// The status code.
        status: u16,
        /// What the server said, cleaned and cut; may be empty.
        excerpt: String,
    },
    /// A success whose body is not JSON: some other server, or a login page.
    #[error("{call}: the answer is not ComfyUI's: check the server address{}", parenthesis(excerpt))]
    NotComfyUi {
        /// Method and route.
        call: &'static str,
        /// The start of the answer, cleaned and cut.
        excerpt: String,
    },
    /// JSON, but not of the shape that this route answers with.
    #[error("{call}: the answer has an unexpected shape: {reason}")]
    UnexpectedShape {
        /// Method and route.
        call: &'static str,
        /// The parser's reason.
        reason: String,
    },
    /// An answer longer than this call may be.
    #[error("{call}: the answer is longer than {limit} bytes and was not read")]
    TooLong {
        /// Method and route.
        call: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The server checked the workflow and refused it.
    #[error(transparent)]
    Rejected(Box<Rejection>),
    /// The bytes to upload could not be read from where they come from.
    #[error("{file:?} could not be read for the upload: {reason}")]
    UploadSource {
        /// The file's name.
        file: String,
        /// The source's own words.
        reason: String,
    },
    /// `/view` has no such file: it was deleted, or the server is another one than the one that made it.
    #[error("the server no longer has the file {file:?}")]
    NoSuchFile {
        /// `subfolder/filename`.
        file: String,
    },
    /// The WebSocket could not be opened, or broke.
    #[error("WebSocket: {reason}")]
    WebSocket {
        /// What happened, without the URL.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Transport { error, .. } => error.is_temporary(),
            Self::TimedOut { .. } | Self::WebSocket { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// The error without advice on how to reach the server, which has been reached before.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Transport { error, .. } => error.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether the server may have acted on the request although this error came back.
    pub(crate) const fn may_have_arrived(&self) -> bool {
        match self {
            Self::Transport { error, .. } => !matches!(
                error.failure,
                TransportFailure::Refused
                    | TransportFailure::UnknownHost
                    | TransportFailure::Tls(_)
                    | TransportFailure::RedirectElsewhere(_)
            ),
            Self::Status { status, .. } => *status >= 500,
            Self::TimedOut { .. } | Self::NotComfyUi { .. } | Self::UnexpectedShape { .. } | Self::TooLong { .. } => {
                true
            }
            _ => false,
        }
    }
}

/// What else to try, for the mistake that is made most: the server's own "localhost" in the settings of a container.
fn hint(error: &TransportError, loopback: bool) -> &'static str {
    match error.failure {
        TransportFailure::Refused if loopback => {
            "; this address means the machine or container that is asking: from inside Docker, use the address of \
             the machine ComfyUI runs on, such as host.docker.internal, and start ComfyUI with --listen"
        }
        TransportFailure::Refused => "; is ComfyUI running, and started with --listen?",
        _ => "",
    }
}

fn parenthesis(excerpt: &str) -> String {
    if excerpt.is_empty() { String::new() } else { format!(" ({excerpt})") }
}
