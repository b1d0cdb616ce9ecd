//! Who may come in: a gateway's bearer token, and ComfyUI's own check of where a browser comes
//! from (`create_origin_only_middleware` of its `server.py`).

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::answer;
use crate::application::Application;

/// The token first, then the origin, then the request itself; `OPTIONS` ends here.
pub(crate) async fn check(State(application): State<Arc<Application>>, request: Request, next: Next) -> Response {
    if !has_token(request.headers(), application.settings.bearer_token.as_ref()) {
        let challenge = [(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    if !is_same_origin(request.headers()) {
        return answer::empty(StatusCode::FORBIDDEN);
    }
    if request.method() == Method::OPTIONS {
        return answer::empty(StatusCode::OK);
    }
    next.run(request).await
}

fn has_token(headers: &HeaderMap, token: Option<&SecretString>) -> bool {
    let Some(token) = token else { return true };
    text(headers, AUTHORIZATION.as_str())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|given| given == token.expose_secret())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    if text(headers, "sec-fetch-site") == Some("cross-site") {
        return false;
    }
    let (Some(host), Some(origin)) = (text(headers, HOST.as_str()), text(headers, ORIGIN.as_str())) else {
        return true;
    };
    let (Some(host), Some(origin)) = (Place::of_host(host), Place::of_origin(origin)) else {
        return true;
    };
    if !host.is_loopback() {
        return true;
    }
    host.name == origin.name && (host.port.is_none() || origin.port.is_none() || host.port == origin.port)
}

/// A host and the port that was written beside it.
struct Place {
    name: String,
    port: Option<u16>,
}

impl Place {
    fn of_host(host: &str) -> Option<Self> {
        // A port that the scheme implies would be lost; no scheme implies one here.
        Self::of_url(&Url::parse(&format!("comfyui://{host}")).ok()?)
    }

    fn of_origin(origin: &str) -> Option<Self> {
        let (_, rest) = origin.split_once("://")?;
        Self::of_host(rest)
    }

    fn of_url(url: &Url) -> Option<Self> {
        let name = url.host_str().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        Some(Self { name, port: url.port() })
    }

    fn is_loopback(&self) -> bool {
        let name = self.name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{has_token, is_same_origin};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    /// The cases of the recorded transcript on origins.
    #[test]
    fn origins_pass_as_on_the_real_server() {
        let host = "127.0.0.1:8188";
        for (host, origin, passes) in [
            (host, "http://127.0.0.1:8188", true),
            (host, "http://localhost:8188", false),
            (host, "http://127.0.0.1:3000", false),
            (host, "http://127.0.0.1", true),
            (host, "https://evil.example", false),
            (host, "null", true),
            ("comfy.example:8188", "https://evil.example", true),
            ("localhost:8188", "http://localhost:8188", true),
        ] {
            let headers = headers(&[("host", host), ("origin", origin)]);
            assert_eq!(is_same_origin(&headers), passes, "{host} {origin}");
        }
        assert!(!is_same_origin(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-site")])));
    }

    #[test]
    fn the_token_must_be_the_token() {
        let token = Some("t".into());
        assert!(has_token(&headers(&[]), None));
        assert!(has_token(&headers(&[("authorization", "Bearer t")]), token.as_ref()));
        assert!(!has_token(&headers(&[("authorization", "Bearer tt")]), token.as_ref()));
        assert!(!has_token(&headers(&[]), token.as_ref()));
    }
}
