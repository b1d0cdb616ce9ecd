use std::fmt;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Where a ComfyUI server is: scheme, host, port and a path prefix, in the forms people type.
///
/// | typed | used |
/// |---|---|
/// | `http://host:8188`, `https://host/` | as it stands |
/// | `host:8188`, `192.168.1.5`, `localhost:8188`, `[::1]:8188` | `http://` is put in front |
/// | `https://host/comfy`, `https://host/comfy/` | the prefix `/comfy` is kept, for HTTP and for the WebSocket |
/// | `ws://…`, `wss://…` | read as `http://…`, `https://…` |
/// | `https://name:password@host` | the name and password are sent as Basic authentication |
///
/// Name and password show in neither `Debug` nor `Display` nor any URL made from the address.
#[derive(Clone)]
pub struct ServerAddress {
    /// Ends with a slash; has no user info, query or fragment.
    base: Url,
    user_info: Option<SecretString>,
}

/// Why a text is not the address of a server. Never repeats the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Nothing but white space.
    #[error("the server address is empty: enter one such as http://host:8188")]
    Empty,
    /// A scheme other than `http` and `https`.
    #[error("the server address begins with {0}://, but only http:// and https:// work")]
    Scheme(String),
    /// The URL parser's verdict.
    #[error("the server address is not a URL ({0}): enter one such as http://host:8188")]
    NotAUrl(String),
    /// There is a `?…`.
    #[error("the server address has a ?…: leave it out, and put a key in the API key field")]
    Query,
}

impl ServerAddress {
    /// Reads an address as typed.
    ///
    /// # Errors
    /// [`AddressError`] when it is empty, no URL, of another scheme, or has a query.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        // "http:/host" would be read as the host "http".
        if ["http:", "https:", "ws:", "wss:"].iter().any(|scheme| starts_with_ignoring_case(text, scheme))
            && !text.contains("://")
        {
            return Err(AddressError::NotAUrl("two slashes must follow the scheme".to_owned()));
        }
        let (scheme, rest) = match text.split_once("://") {
            // "host/?next=http://x" has no scheme of its own.
            Some((scheme, rest)) if !scheme.contains(['/', '?', '#', '@']) => (scheme.to_ascii_lowercase(), rest),
            _ => ("http".to_owned(), text),
        };
        let scheme = match scheme.as_str() {
            "http" | "ws" => "http",
            "https" | "wss" => "https",
            _ => return Err(AddressError::Scheme(scheme.chars().take(20).collect())),
        };
        let mut base =
            Url::parse(&format!("{scheme}://{rest}")).map_err(|error| AddressError::NotAUrl(error.to_string()))?;
        if base.query().is_some_and(|query| !query.is_empty()) {
            return Err(AddressError::Query);
        }
        base.set_query(None);
        base.set_fragment(None);
        let user_info = take_user_info(&mut base);
        if !base.path().ends_with('/') {
            let path = format!("{}/", base.path());
            base.set_path(&path);
        }
        Ok(Self { base, user_info })
    }

    /// The base URL, ending with a slash, without user info.
    #[must_use]
    pub const fn base(&self) -> &Url {
        &self.base
    }

    /// The URL of an HTTP route below the base, each segment encoded: `http(&["history", id])`.
    #[must_use]
    pub fn http(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An http URL always has path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The URL of the WebSocket for `client_id`: `ws` for `http`, `wss` for `https`, the path prefix kept.
    #[must_use]
    pub fn websocket(&self, client_id: &str) -> Url {
        let mut url = self.http(&["ws"]);
        let scheme = if self.base.scheme() == "https" { "wss" } else { "ws" };
        // Between two special schemes this cannot fail.
        let _ = url.set_scheme(scheme);
        url.query_pairs_mut().append_pair("clientId", client_id);
        url
    }

    /// Whether the host is this machine: `localhost` or a loopback address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
            None => false,
        }
    }

    /// `name:password`, decoded, where the address held one.
    pub(crate) fn user_info(&self) -> Option<&str> {
        self.user_info.as_ref().map(ExposeSecret::expose_secret)
    }
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start))
}

fn take_user_info(url: &mut Url) -> Option<SecretString> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    // An http URL with a host always takes both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(SecretString::from(pair))
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.base, f)
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerAddress").field(&self.base.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> String {
        ServerAddress::parse(text).unwrap().to_string()
    }

    #[test]
    fn the_forms_people_type() {
        assert_eq!(base("http://host:8188"), "http://host:8188/");
        assert_eq!(base(" https://host/comfy/ "), "https://host/comfy/");
        assert_eq!(base("host:8188"), "http://host:8188/");
        assert_eq!(base("localhost:8188"), "http://localhost:8188/");
        assert_eq!(base("192.168.1.5"), "http://192.168.1.5/");
        assert_eq!(base("[::1]:8188"), "http://[::1]:8188/");
        assert_eq!(base("host/comfy"), "http://host/comfy/");
        assert_eq!(base("HTTPS://Host:443/"), "https://host/");
        assert_eq!(base("wss://host/comfy"), "https://host/comfy/");
        assert_eq!(base("http://host:8188/#graph"), "http://host:8188/");
        assert_eq!(base("http://host:8188/?"), "http://host:8188/");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        let refused = |text: &str| ServerAddress::parse(text).unwrap_err();
        assert_eq!(refused("  "), AddressError::Empty);
        assert_eq!(refused("ftp://host"), AddressError::Scheme("ftp".to_owned()));
        assert_eq!(refused("http://host/?token=abc"), AddressError::Query);
        for text in
            ["http://", "http://user:secret@", "::1:8188", "http://ho st/", "host:port", "http:/host", "HTTPS:host"]
        {
            let error = refused(text);
            assert!(matches!(error, AddressError::NotAUrl(_)), "{text}: {error}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn the_prefix_is_kept_on_http_and_on_the_websocket() {
        let address = ServerAddress::parse("https://gateway/my%20comfy").unwrap();
        assert_eq!(address.http(&["prompt"]).as_str(), "https://gateway/my%20comfy/prompt");
        assert_eq!(address.websocket("c-1").as_str(), "wss://gateway/my%20comfy/ws?clientId=c-1");
        let plain = ServerAddress::parse("host:8188").unwrap();
        assert_eq!(plain.websocket("a b&c").as_str(), "ws://host:8188/ws?clientId=a+b%26c");
    }

    #[test]
    fn segments_are_encoded() {
        let address = ServerAddress::parse("host:8188").unwrap();
        assert_eq!(address.http(&["history", "a/b?c d"]).as_str(), "http://host:8188/history/a%2Fb%3Fc%20d");
    }

    #[test]
    fn user_info_is_taken_out_of_every_url() {
        let address = ServerAddress::parse("http://me:p%40w0rd@host:8188/x").unwrap();
        assert_eq!(address.user_info(), Some("me:p@w0rd"));
        assert_eq!(address.http(&["ws"]).as_str(), "http://host:8188/x/ws");
        assert!(!format!("{address} {address:?}").contains("w0rd"));
        assert_eq!(ServerAddress::parse("me:p@host").unwrap().user_info(), Some("me:p"));
    }

    #[test]
    fn loopback_hosts_are_known() {
        for text in ["localhost:8188", "127.0.0.1", "[::1]:1", "0.0.0.0:8188"] {
            assert!(ServerAddress::parse(text).unwrap().is_loopback(), "{text}");
        }
        assert!(!ServerAddress::parse("192.168.1.5:8188").unwrap().is_loopback());
    }
}
