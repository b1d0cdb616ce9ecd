//! Checking a request's signature.
//!
//! The algorithm is that of the COS page "Request Signature" (436/7778), read
//! together with `cos_auth.py` of the official Python SDK:
//!
//! ```text
//! SignKey      = hex(HMAC-SHA1(SecretKey, q-key-time))
//! HttpString   = method \n path \n parameters \n headers \n
//! StringToSign = sha1 \n q-sign-time \n hex(SHA1(HttpString)) \n
//! Signature    = hex(HMAC-SHA1(SignKey, StringToSign))
//! ```
//!
//! The method is in lower case, the path decoded. Parameters and headers are
//! those that `q-url-param-list` and `q-header-list` name: `name=value`, both
//! encoded, names in lower case, sorted, joined by `&`.

use std::{fmt::Write, ops::RangeInclusive};

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha1::{Digest, Sha1};

use crate::{
    addressing::without_port,
    query::Query,
    url_encoding::{decode_form, encode_signed},
};

/// What a client claims, from its Authorization header or its query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key: String,
    sign_time: String,
    key_time: String,
    header_list: Vec<String>,
    url_param_list: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Reads the value of an Authorization header; `None` when it is not a
    /// whole signature of the `sha1` algorithm.
    pub(crate) fn from_header(value: &str) -> Option<Self> {
        Self::from_fields(|name| {
            value
                .trim()
                .split('&')
                .filter_map(|field| field.split_once('='))
                .find(|(n, _)| *n == name)
                .map(|(_, value)| value.to_owned())
        })
    }

    /// The same from the query of a presigned URL.
    pub(crate) fn from_query(query: &Query) -> Option<Self> {
        Self::from_fields(|name| query.get(name).map(str::to_owned))
    }

    fn from_fields(field: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let list = |name| -> Option<Vec<String>> {
            Some(field(name)?.split(';').filter(|item| !item.is_empty()).map(str::to_ascii_lowercase).collect())
        };
        if field("q-sign-algorithm")? != "sha1" {
            return None;
        }
        Some(Self {
            access_key: field("q-ak")?,
            sign_time: field("q-sign-time")?,
            key_time: field("q-key-time")?,
            header_list: list("q-header-list")?,
            url_param_list: list("q-url-param-list")?,
            signature: field("q-signature")?,
        })
    }
}

/// The signed parts of a request, as they came over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedParts<'a> {
    pub(crate) method: &'a str,
    /// Still percent-encoded.
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) host: &'a str,
}

/// Why a signature is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A time window that is none.
    Malformed,
    /// The window has not begun.
    NotYetValid,
    /// The window is over.
    Expired,
    /// Somebody else's key, or another request.
    Mismatch { string_to_sign: String, format_string: String },
}

/// Checks `authorization` for the request `parts` at `now` (Unix seconds).
pub(crate) fn verify(
    authorization: &Authorization,
    parts: SignedParts<'_>,
    secret_key: &str,
    now: i64,
) -> Result<(), Refusal> {
    for window in [&authorization.sign_time, &authorization.key_time] {
        let window = parse_window(window).ok_or(Refusal::Malformed)?;
        if now < *window.start() {
            return Err(Refusal::NotYetValid);
        }
        if now > *window.end() {
            return Err(Refusal::Expired);
        }
    }
    // The official Python SDK signs the host without its port; others sign
    // the header as it is. On COS's own ports both are the same.
    let with_port = format_string(authorization, parts, parts.host);
    let without_port = format_string(authorization, parts, without_port(parts.host));
    let expected = |format: &str| sign(authorization, format, secret_key);
    if [&with_port, &without_port].into_iter().any(|format| expected(format) == authorization.signature) {
        return Ok(());
    }
    Err(Refusal::Mismatch { string_to_sign: string_to_sign(authorization, &with_port), format_string: with_port })
}

/// `start;end` in Unix seconds.
fn parse_window(text: &str) -> Option<RangeInclusive<i64>> {
    let (start, end) = text.split_once(';')?;
    Some(start.parse().ok()?..=end.parse().ok()?)
}

fn format_string(authorization: &Authorization, parts: SignedParts<'_>, host: &str) -> String {
    // A bare `+` in a path is shown as a space in the FormatString of COS's
    // own refusals, while its Resource keeps it (Molunerfinn/PicGo#638). So
    // a client has to send `%2B`, as the SDKs do.
    let path = decode_form(parts.path);
    let parameters = canonical(&authorization.url_param_list, |wanted| {
        parts
            .query
            .iter()
            .find(|(name, _)| encode_signed(name).to_ascii_lowercase() == wanted)
            .map(|(_, value)| value.to_owned())
    });
    let headers = canonical(&authorization.header_list, |wanted| {
        if wanted == "host" {
            return Some(host.to_owned());
        }
        let value = parts.headers.get(wanted)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    format!("{}\n{path}\n{parameters}\n{headers}\n", parts.method.to_ascii_lowercase())
}

/// What is listed but not in the request is left out, so the hash differs.
fn canonical(list: &[String], value: impl Fn(&str) -> Option<String>) -> String {
    let mut names: Vec<&str> = list.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let mut text = String::new();
    for name in names {
        if let Some(value) = value(name) {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(name);
            text.push('=');
            text.push_str(&encode_signed(&value));
        }
    }
    text
}

fn string_to_sign(authorization: &Authorization, format_string: &str) -> String {
    let digest = Sha1::digest(format_string.as_bytes());
    format!("sha1\n{}\n{}\n", authorization.sign_time, hex(&digest))
}

fn sign(authorization: &Authorization, format_string: &str, secret_key: &str) -> String {
    let sign_key = hmac_sha1(secret_key, &authorization.key_time);
    hmac_sha1(&sign_key, &string_to_sign(authorization, format_string))
}

fn hmac_sha1(key: &str, message: &str) -> String {
    // HMAC takes a key of any length: this never fails.
    Hmac::<Sha1>::new_from_slice(key.as_bytes())
        .map(|mac| hex(&mac.chain_update(message.as_bytes()).finalize().into_bytes()))
        .unwrap_or_default()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
