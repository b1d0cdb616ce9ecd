use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use reqwest::{Client, Method, RequestBuilder};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use url::Url;

use crate::transport::RedirectElsewhere;
use crate::{Origin, OriginError, TlsOptions, TransportError, connection, tls};

/// How long a TCP and TLS connection may take to open.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may stay silent, before its answer and in the middle of it.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How many redirects within the origin are followed.
const MAX_REDIRECTS: usize = 5;

/// A pool of connections from which clients of single origins are made. Cheap to clone; clones share the pool.
///
/// It belongs to the tokio runtime in which its first request runs.
#[derive(Clone, Debug)]
pub struct Connections {
    reading: Client,
    writing: Client,
    tls: Arc<ClientConfig>,
}

impl Connections {
    /// A pool with the system's TLS roots and the proxies of the environment (`HTTP_PROXY`, `HTTPS_PROXY`,
    /// `NO_PROXY`): 10 s to connect, at most 5 redirects, all within the origin.
    ///
    /// A `GET` or `HEAD` may be answered by 60 s of silence at most, before the answer and in the middle of it. Of another
    /// request nobody can tell how long its body takes to send: it has no such limit, so give it a
    /// [`timeout`](RequestBuilder::timeout).
    ///
    /// # Errors
    /// [`OriginError::Tls`] or [`OriginError::Client`] when TLS or the client cannot be set up.
    pub fn new() -> Result<Self, OriginError> {
        Self::with_tls(&TlsOptions::default())
    }

    /// A pool as [`new`](Self::new) makes it, that trusts other certificates as well.
    ///
    /// # Errors
    /// [`OriginError::Tls`] when the CA certificate is not one; otherwise as [`new`](Self::new).
    pub fn with_tls(options: &TlsOptions) -> Result<Self, OriginError> {
        let tls = tls::client_config(options)?;
        let builder = || {
            Client::builder()
                .tls_backend_preconfigured(ClientConfig::clone(&tls))
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(redirect::Policy::custom(only_within_the_origin))
                .referer(false)
                .tcp_nodelay(true)
        };
        // reqwest counts the silence from the start of a request, the sending of its body included.
        let reading = builder().read_timeout(SILENCE_TIMEOUT).build().map_err(OriginError::Client)?;
        let writing = builder().build().map_err(OriginError::Client)?;
        Ok(Self { reading, writing, tls })
    }

    /// A client for the origin of `url`, and only for it.
    ///
    /// # Errors
    /// [`OriginError::Scheme`] or [`OriginError::NoHost`] when the URL cannot be fetched at all.
    pub fn to(&self, url: &Url) -> Result<OriginClient, OriginError> {
        Ok(OriginClient { connections: self.clone(), origin: Origin::of(url)? })
    }
}

/// A client bound to one origin.
#[derive(Clone, Debug)]
pub struct OriginClient {
    connections: Connections,
    origin: Origin,
}

impl OriginClient {
    /// The origin this client is bound to.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The TLS settings, for protocols other than HTTP on the same origin (WebSocket).
    #[must_use]
    pub fn tls_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.connections.tls)
    }

    /// A TCP connection to the origin, for protocols other than HTTP; TLS is the caller's. It takes the proxy that the
    /// environment names for the origin, as requests do, by `CONNECT`.
    ///
    /// # Errors
    /// [`TransportError`]: nobody there, not in time, or a proxy that makes no tunnel.
    pub async fn connect(&self) -> Result<TcpStream, TransportError> {
        connection::connect(&self.origin).await
    }

    /// A request to `url`.
    ///
    /// # Errors
    /// [`OriginError::Elsewhere`] when `url` belongs to another origin: no socket is opened.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, OriginError> {
        let to = Origin::of(&url)?;
        if to == self.origin {
            let is_reading = matches!(method, Method::GET | Method::HEAD);
            let client = if is_reading { &self.connections.reading } else { &self.connections.writing };
            Ok(client.request(method, url))
        } else {
            Err(OriginError::Elsewhere { to, bound: self.origin.clone() })
        }
    }

    /// A `GET` of `url`.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn get(&self, url: Url) -> Result<RequestBuilder, OriginError> {
        self.request(Method::GET, url)
    }

    /// A `POST` to `url`.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub fn post(&self, url: Url) -> Result<RequestBuilder, OriginError> {
        self.request(Method::POST, url)
    }
}

fn only_within_the_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let from = attempt.previous().first().and_then(|url| Origin::of(url).ok());
    match Origin::of(attempt.url()) {
        Ok(to) if Some(&to) != from.as_ref() => attempt.error(RedirectElsewhere { to: to.to_string() }),
        Ok(_) if attempt.previous().len() > MAX_REDIRECTS => attempt.error(TooManyRedirects),
        Ok(_) => attempt.follow(),
        Err(error) => attempt.error(error),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("more than {MAX_REDIRECTS} redirects")]
struct TooManyRedirects;
