use std::fmt;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::error::request_id_note;
use crate::error_response::{ErrorResponse, one_line};
use crate::{CosErrorKind, Operation, Target};

/// Seconds by which a clock may differ and yet not be the cause of anything.
const GOOD_CLOCK: u64 = 60;

/// An error that COS answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Refusal {
    /// What sort of error it is.
    pub kind: CosErrorKind,
    /// What was asked.
    pub target: Target,
    /// HTTP status.
    pub status: u16,
    /// COS's own name for the error, such as `NoSuchKey`. None for `HEAD` and for answers of proxies.
    pub code: Option<String>,
    /// COS's own words, one line of at most 300 characters.
    pub message: Option<String>,
    /// COS's name for the request (`x-cos-request-id`).
    pub request_id: Option<String>,
    /// How far this machine's clock is ahead of COS's (behind it: negative), in seconds. From the answer's `Date`,
    /// only for [`CosErrorKind::RequestTimeTooSkewed`].
    pub clock_ahead: Option<i64>,
    /// Where an archived object is, such as `DEEP_ARCHIVE`.
    pub storage_class: Option<String>,
    /// Whether an archived object is on its way out of the archive.
    pub is_being_restored: bool,
    /// Whether the object's newest version is a delete marker: older versions may be there.
    pub is_deleted: bool,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(
        target: &Target,
        status: StatusCode,
        headers: &HeaderMap,
        body: ErrorResponse,
        now: SystemTime,
    ) -> Self {
        // A few answers name the error in a header and not in the body (the official Python SDK, `send_request`).
        let code = body.code.or_else(|| header(headers, "x-cos-error-code"));
        let clock_ahead = clock_ahead(headers, now);
        let kind = kind_of(status, code.as_deref(), body.message.as_deref(), clock_ahead, target.operation);
        let clock_ahead = clock_ahead.filter(|_| kind == CosErrorKind::RequestTimeTooSkewed);
        Self {
            kind,
            target: target.clone(),
            status: status.as_u16(),
            code,
            message: body.message,
            request_id: request_id(headers).or(body.request_id),
            clock_ahead,
            storage_class: header(headers, "x-cos-storage-class"),
            is_being_restored: false,
            is_deleted: header(headers, "x-cos-delete-marker").as_deref() == Some("true"),
            retry_after: retry_after(headers, now),
        }
    }
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    header(headers, "x-cos-request-id")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    one_line(headers.get(name)?.to_str().ok()?, 128)
}

/// The codes are those of <https://cloud.tencent.com/document/product/436/7730>.
fn kind_of(
    status: StatusCode,
    code: Option<&str>,
    message: Option<&str>,
    clock_ahead: Option<i64>,
    operation: Operation,
) -> CosErrorKind {
    match code {
        // A signature made a moment ago has expired where the clock is wrong.
        Some("AccessDenied")
            if message.is_some_and(|message| message.contains("Request has expired"))
                && clock_ahead.is_none_or(|seconds| seconds.unsigned_abs() >= GOOD_CLOCK) =>
        {
            CosErrorKind::RequestTimeTooSkewed
        }
        Some("AccessDenied") => CosErrorKind::AccessDenied,
        Some("InvalidAccessKeyId") => CosErrorKind::InvalidAccessKeyId,
        Some("SignatureDoesNotMatch") => CosErrorKind::SignatureDoesNotMatch,
        Some("RequestTimeTooSkewed") => CosErrorKind::RequestTimeTooSkewed,
        Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => CosErrorKind::SessionTokenRejected,
        Some("NoSuchBucket") => CosErrorKind::NoSuchBucket,
        Some("NoSuchKey" | "NoSuchVersion") => CosErrorKind::NoSuchKey,
        Some("InvalidObjectState") => CosErrorKind::InvalidObjectState,
        Some("PreconditionFailed") => CosErrorKind::ObjectChanged,
        Some("SlowDown") => CosErrorKind::Throttled,
        // COS's page of error codes has no code of its own for it.
        Some(_) if status == StatusCode::BAD_REQUEST && message.is_some_and(speaks_of_a_customer_key) => {
            CosErrorKind::CustomerKeyNeeded
        }
        _ => match (status.as_u16(), operation) {
            (401 | 403, _) if code.is_none() => CosErrorKind::AccessDenied,
            (404, Operation::GetObject | Operation::HeadObject) if code.is_none() => CosErrorKind::NoSuchKey,
            (404, Operation::GetBucket | Operation::HeadBucket) if code.is_none() => CosErrorKind::NoSuchBucket,
            (412, _) => CosErrorKind::ObjectChanged,
            (429, _) => CosErrorKind::Throttled,
            (408 | 500..=599, _) => CosErrorKind::Unavailable,
            _ => CosErrorKind::Other,
        },
    }
}

fn speaks_of_a_customer_key(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["server side encryption", "server-side encryption", "server-side-encryption", "sse-c", "customer key"]
        .iter()
        .any(|words| message.contains(words))
}

fn clock_ahead(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).ok();
    match now.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(|seconds| -seconds),
    }
}

fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(now).ok(),
    }
}

impl std::error::Error for Refusal {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match self.kind {
            // Without a code, which no `HEAD` has, wrong keys look the same.
            CosErrorKind::AccessDenied if self.code.is_none() => {
                let permission = target.operation.permission();
                write!(f, "access denied: the credentials are wrong, or lack {permission} on {target}")?;
            }
            CosErrorKind::AccessDenied => {
                write!(f, "access denied: the credentials lack {} on {target}", target.operation.permission())?;
            }
            CosErrorKind::InvalidAccessKeyId => {
                write!(f, "the secret ID is wrong: COS does not know it, or it is disabled ({target})")?;
            }
            CosErrorKind::SignatureDoesNotMatch => {
                write!(f, "the secret key is wrong: COS computed another signature ({target})")?;
            }
            CosErrorKind::RequestTimeTooSkewed => match self.clock_ahead {
                Some(seconds) => {
                    let way = if seconds < 0 { "behind" } else { "ahead of" };
                    write!(f, "this machine's clock is {} s {way} COS's: set it right", seconds.unsigned_abs())?;
                }
                None => f.write_str("this machine's clock is too far from COS's: set it right")?,
            },
            CosErrorKind::SessionTokenRejected => {
                f.write_str("the temporary key has expired or its session token is wrong: get a new one")?;
            }
            CosErrorKind::NoSuchBucket => {
                write!(f, "there is no {target}: check its name, APPID included, and its region")?;
            }
            CosErrorKind::NoSuchKey if self.is_deleted => {
                write!(f, "{target} was deleted; an older version of it has to be restored in COS to be read")?;
            }
            CosErrorKind::NoSuchKey if self.code.is_none() => write!(f, "there is no {target}, or no such bucket")?,
            CosErrorKind::NoSuchKey => write!(f, "there is no {target}")?,
            CosErrorKind::InvalidObjectState => {
                let class = self.storage_class.as_ref().map(|class| format!(" ({class})")).unwrap_or_default();
                if self.is_being_restored {
                    write!(f, "{target} is archived{class} and being restored: read it when that is done")?;
                } else {
                    write!(f, "{target} is archived{class}: restore it in COS, then read it")?;
                }
            }
            CosErrorKind::CustomerKeyNeeded => {
                write!(f, "{target} is encrypted with a key of the customer's own (SSE-C), which COS does not keep: ")?;
                f.write_str("it cannot be read without that key")?;
            }
            CosErrorKind::ObjectChanged => write!(f, "{target} was replaced while it was being read: read it again")?,
            CosErrorKind::Throttled => {
                write!(f, "COS asks for fewer requests (HTTP {}): try again later", self.status)?
            }
            CosErrorKind::Unavailable => {
                write!(f, "COS has a failure of its own (HTTP {}): try again later", self.status)?
            }
            _ => {
                write!(f, "COS refused {target} with HTTP {}", self.status)?;
                if let Some(code) = &self.code {
                    write!(f, " {code}")?;
                }
                if let Some(message) = &self.message {
                    write!(f, ": {message}")?;
                }
            }
        }
        f.write_str(&request_id_note(self.request_id.as_deref()))
    }
}

#[cfg(test)]
mod tests;
