use crate::{Origin, TlsError};

/// Why no request was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The URL is neither `http` nor `https`.
    #[error("{scheme:?} is not a scheme that can be fetched: only http and https are")]
    Scheme {
        /// The scheme found, without the colon.
        scheme: String,
    },
    /// The URL names no host.
    #[error("the URL has no host")]
    NoHost,
    /// The URL belongs to another server than the one this client is bound to.
    #[error("{to} was not contacted: this connection is bound to {bound}")]
    Elsewhere {
        /// Where the request would have gone.
        to: Origin,
        /// The only origin allowed.
        bound: Origin,
    },
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}
