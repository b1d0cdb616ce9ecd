use std::error::Error;
use std::fmt;
use std::io;

use crate::Origin;

/// What went wrong between a request and the end of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportFailure {
    /// The host name is not known.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// The certificate was not accepted, or TLS failed otherwise; the text is rustls's.
    Tls(String),
    /// No connection, answer or next byte in time.
    TimedOut,
    /// The connection was closed or reset before the end of the answer.
    ConnectionLost,
    /// The server redirects to another origin, named here.
    RedirectElsewhere(String),
    /// Anything else, in the words of the HTTP library without the URL.
    Other(String),
}

/// A failed exchange with the server at `origin`. Its text names the origin and no other part of the URL.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{origin}: {failure}")]
pub struct TransportError {
    /// Who was being talked to.
    pub origin: Origin,
    /// What happened.
    pub failure: TransportFailure,
}

impl TransportError {
    /// Classifies `error`, which an exchange with `origin` gave.
    #[must_use]
    pub fn new(origin: &Origin, error: &reqwest::Error) -> Self {
        Self { origin: origin.clone(), failure: TransportFailure::of(error) }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self.failure,
            TransportFailure::Refused | TransportFailure::TimedOut | TransportFailure::ConnectionLost
        )
    }
}

impl TransportFailure {
    fn of(error: &reqwest::Error) -> Self {
        if let Some(elsewhere) = find::<RedirectElsewhere>(error) {
            return Self::RedirectElsewhere(elsewhere.to.clone());
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return Self::Tls(tls.to_string());
        }
        if error.is_dns() {
            return Self::UnknownHost;
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => return Self::Refused,
            Some(io::ErrorKind::TimedOut) => return Self::TimedOut,
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => return Self::ConnectionLost,
            _ => {}
        }
        let innermost = innermost(error);
        // hyper's own errors have no public type here; a cut connection is told apart by their text alone.
        if ["connection closed", "end of file", "incomplete message", "unexpected EOF"]
            .iter()
            .any(|phrase| innermost.contains(phrase))
        {
            return Self::ConnectionLost;
        }
        Self::Other(innermost)
    }
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost => f.write_str("no such host"),
            Self::Refused => f.write_str("connection refused: nothing listens there"),
            Self::Tls(text) => write!(f, "TLS failed: {text}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::ConnectionLost => f.write_str("the connection was lost before the end of the answer"),
            Self::RedirectElsewhere(to) => write!(f, "redirects to {to}, which is another server: not followed"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("redirected to {to}")]
pub(crate) struct RedirectElsewhere {
    pub(crate) to: String,
}

/// The first error of type `T` in the chain. An [`io::Error`] hides the error it wraps from
/// [`source`](Error::source), so that is looked into as well.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // Only reqwest's own error prints the URL, which may be signed.
    if innermost.is::<reqwest::Error>() {
        let kind =
            if error.is_body() || error.is_decode() { "the answer could not be read" } else { "the request failed" };
        return kind.to_owned();
    }
    innermost.to_string()
}
