use std::fmt;

use url::{Host, Url};

use crate::OriginError;

/// Scheme, host and port of an HTTP server, and nothing else of its URL.
///
/// It is what may be named in a message: user info, path and query, where secrets travel, are not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: &'static str,
    host: Host<String>,
    port: u16,
}

impl Origin {
    /// The origin of `url`.
    ///
    /// # Errors
    /// [`OriginError::Scheme`] unless the URL is `http` or `https`; [`OriginError::NoHost`] without a host.
    pub fn of(url: &Url) -> Result<Self, OriginError> {
        let (scheme, default_port) = match url.scheme() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            other => return Err(OriginError::Scheme { scheme: other.to_owned() }),
        };
        let host = url.host().ok_or(OriginError::NoHost)?.to_owned();
        Ok(Self { scheme, host, port: url.port().unwrap_or(default_port) })
    }

    /// Host name or address, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> String {
        self.host.to_string()
    }

    /// Port, the scheme's own where the URL names none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether requests travel over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match (self.scheme, self.port) {
            ("http", 80) | ("https", 443) => Ok(()),
            (_, port) => write!(f, ":{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn the_default_port_is_the_same_origin_as_the_port_left_out() {
        assert_eq!(origin("https://a.example/x"), origin("https://A.example:443/y?z"));
        assert_ne!(origin("https://a.example"), origin("http://a.example"));
        assert_ne!(origin("http://a.example"), origin("http://a.example:8080"));
        assert_ne!(origin("http://a.example"), origin("http://b.example"));
    }

    #[test]
    fn it_shows_neither_user_info_nor_path_nor_query() {
        assert_eq!(origin("https://user:secret@a.example/p?sign=1").to_string(), "https://a.example");
        assert_eq!(origin("http://[::1]:8188/x").to_string(), "http://[::1]:8188");
    }

    #[test]
    fn other_schemes_are_refused() {
        let file = Url::parse("file:///etc/passwd").unwrap();
        assert!(matches!(Origin::of(&file), Err(OriginError::Scheme { scheme }) if scheme == "file"));
    }
}
