use std::error::Error;
use std::io;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::client::CONNECT_TIMEOUT;
use crate::{Origin, TransportError, TransportFailure};

/// A TCP connection to `origin`, through the proxy that the environment names for it, if it names one.
pub(crate) async fn connect(origin: &Origin) -> Result<TcpStream, TransportError> {
    let failed = |failure| TransportError { origin: origin.clone(), failure };
    match tokio::time::timeout(CONNECT_TIMEOUT, open(origin)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failed(failure_of(error.as_ref()))),
        Err(_) => Err(failed(TransportFailure::TimedOut)),
    }
}

async fn open(origin: &Origin) -> Result<TcpStream, Box<dyn Error + Send + Sync>> {
    let scheme = if origin.is_https() { "https" } else { "http" };
    let uri: Uri = format!("{scheme}://{}:{}/", origin.host(), origin.port()).parse()?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let stream = match Matcher::from_env().intercept(&uri) {
        None => connector.call(uri).await?,
        Some(proxy) if proxy.uri().scheme_str() == Some("http") => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            tunnel.call(uri).await?
        }
        Some(_) => return Err("the proxy of the environment is not an HTTP proxy".into()),
    };
    Ok(stream.into_inner())
}

fn failure_of(error: &(dyn Error + 'static)) -> TransportFailure {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(kind) = error.downcast_ref::<io::Error>().map(io::Error::kind)
            && kind == io::ErrorKind::ConnectionRefused
        {
            return TransportFailure::Refused;
        }
        cause = error.source();
    }
    TransportFailure::Other(error.to_string())
}
