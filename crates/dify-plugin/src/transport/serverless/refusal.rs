use std::time::Duration;

use bytes::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

use super::limits::{MAX_REQUEST_BODY, REQUEST_BODY};

/// Seconds after which a caller who was not served may try again.
const RETRY_AFTER_SECONDS: &str = "1";

/// Most characters of a reason that are shown.
const REASON: usize = 300;

/// Why a request is no call.
///
/// The daemon makes one error of every status but 2xx and 502, which it sends again, and shows what `errorType` and
/// `errorMessage` of a JSON body say (dify-plugin-daemon, `internal/core/serverless_runtime/io.go`). So a refusal has
/// the status that HTTP has for it, never 502, and a body of that form, where the official SDK answers 500 and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The body is no request line.
    NoRequest(String),
    /// There is nothing at this path.
    NoSuchPath,
    /// The path takes other methods, which are named.
    Method(&'static str),
    /// The body did not come in time.
    SlowBody,
    /// The body broke off.
    BrokenBody,
    /// The body is larger than the daemon's may be.
    LargeBody,
    /// No place became free in time.
    Busy(Duration),
    /// The process stops.
    Stopping,
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NoRequest(_) | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::LargeBody => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(&self) -> String {
        match self {
            // The reason may repeat what was sent, and the daemon reads 4096 bytes.
            Self::NoRequest(reason) => {
                format!("not a request of Dify's protocol: {}", reason.chars().take(REASON).collect::<String>())
            }
            Self::NoSuchPath => "a plugin has the paths /health and /invoke, and no other".to_owned(),
            Self::Method(allowed) => format!("this path takes {allowed}"),
            Self::SlowBody => format!("the request was not complete within {} seconds", REQUEST_BODY.as_secs()),
            Self::BrokenBody => "the request broke off".to_owned(),
            Self::LargeBody => format!("the request is larger than {MAX_REQUEST_BODY} bytes"),
            Self::Busy(waited) => format!(
                "the plugin is at work on as many calls as it takes (MAX_WORKER), and none ended within {} seconds",
                waited.as_secs()
            ),
            Self::Stopping => "the plugin is being stopped and takes no more calls".to_owned(),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::NoRequest(_) | Self::BrokenBody => "BadRequest",
            Self::NoSuchPath => "NotFound",
            Self::Method(_) => "MethodNotAllowed",
            Self::SlowBody => "RequestTimeout",
            Self::LargeBody => "RequestTooLarge",
            Self::Busy(_) => "PluginBusy",
            Self::Stopping => "PluginStopping",
        }
    }

    pub(super) fn response(&self) -> Response<Bytes> {
        let body = json!({"errorType": self.name(), "errorMessage": self.message()}).to_string();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Self::Method(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Busy(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
            }
            Self::Stopping => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // What is left of such a body is not read.
            Self::SlowBody | Self::BrokenBody | Self::LargeBody => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::NoRequest(_) | Self::NoSuchPath => {}
        }
        response
    }
}
