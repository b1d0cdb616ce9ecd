//! `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`
//! (COS page "GET Object"; the order is that of RFC 9110 section 13.2.2).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};

use crate::timestamps;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Proceed,
    NotModified,
    Failed,
}

/// Checks the conditions in `headers` against an object.
/// `etag` carries its quotes. A date that does not parse is passed over.
pub(crate) fn check(headers: &HeaderMap, etag: &str, modified: SystemTime) -> Outcome {
    if let Some(wanted) = text(headers, header::IF_MATCH) {
        if !matches(wanted, etag) {
            return Outcome::Failed;
        }
    } else if let Some(date) = date(headers, header::IF_UNMODIFIED_SINCE)
        && whole_seconds(modified) > date
    {
        return Outcome::Failed;
    }
    if let Some(known) = text(headers, header::IF_NONE_MATCH) {
        if matches(known, etag) {
            return Outcome::NotModified;
        }
    } else if let Some(date) = date(headers, header::IF_MODIFIED_SINCE)
        && whole_seconds(modified) <= date
    {
        return Outcome::NotModified;
    }
    Outcome::Proceed
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, name)?).ok()
}

/// HTTP dates have no fractions: an object counts by the second it was changed in.
fn whole_seconds(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(timestamps::seconds(time))
}

fn matches(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|candidate| {
        let candidate = candidate.strip_prefix("W/").unwrap_or(candidate);
        candidate == "*" || candidate.trim_matches('"') == etag.trim_matches('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"abc\"";

    fn outcome(pairs: &[(&'static str, &str)]) -> Outcome {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        // Mon, 01 Jan 2024 00:00:00.5 GMT
        let modified = UNIX_EPOCH + Duration::from_millis(1_704_067_200_500);
        check(&headers, ETAG, modified)
    }

    #[test]
    fn tags() {
        assert_eq!(outcome(&[]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-match", "\"abc\"")]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-match", "abc")]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-match", "\"x\", \"abc\"")]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-match", "*")]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-match", "\"x\"")]), Outcome::Failed);
        assert_eq!(outcome(&[("if-none-match", "\"abc\"")]), Outcome::NotModified);
        assert_eq!(outcome(&[("if-none-match", "\"x\"")]), Outcome::Proceed);
    }

    #[test]
    fn dates() {
        let at = "Mon, 01 Jan 2024 00:00:00 GMT";
        let before = "Sun, 31 Dec 2023 23:59:59 GMT";
        assert_eq!(outcome(&[("if-modified-since", at)]), Outcome::NotModified);
        assert_eq!(outcome(&[("if-modified-since", before)]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-unmodified-since", at)]), Outcome::Proceed);
        assert_eq!(outcome(&[("if-unmodified-since", before)]), Outcome::Failed);
        assert_eq!(outcome(&[("if-modified-since", "?")]), Outcome::Proceed);
    }

    #[test]
    fn a_tag_outranks_its_date() {
        let before = "Sun, 31 Dec 2023 23:59:59 GMT";
        assert_eq!(outcome(&[("if-match", "\"abc\""), ("if-unmodified-since", before)]), Outcome::Proceed);
    }
}
