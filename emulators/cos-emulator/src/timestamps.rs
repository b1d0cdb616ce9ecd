//! Times as COS writes them. It knows whole seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// 9999-12-30T22:00:00Z: the last second that [`Timestamp`] has; an HTTP date
/// goes only a day further.
const LAST_SECOND: u64 = 253_402_207_200;

/// For headers: `Mon, 01 Jan 2024 00:00:00 GMT`.
pub(crate) fn http_date(time: SystemTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds(time)))
}

/// For objects in a listing: `2024-01-01T00:00:00.000Z`.
pub(crate) fn listed(time: SystemTime) -> String {
    format(time, "%Y-%m-%dT%H:%M:%S.000Z")
}

/// For buckets: `2024-01-01T00:00:00Z`.
pub(crate) fn created(time: SystemTime) -> String {
    format(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// Unix seconds. Files may claim any time: what has no date is moved to the
/// nearest that has one.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST_SECOND)
}

fn format(time: SystemTime, pattern: &str) -> String {
    let seconds = i64::try_from(seconds(time)).unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).strftime(pattern).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let time = UNIX_EPOCH + Duration::from_millis(1_704_067_200_999);
        assert_eq!(http_date(time), "Mon, 01 Jan 2024 00:00:00 GMT");
        assert_eq!(listed(time), "2024-01-01T00:00:00.000Z");
        assert_eq!(created(time), "2024-01-01T00:00:00Z");
    }

    #[test]
    fn any_time_has_a_date() {
        let early = UNIX_EPOCH - Duration::from_secs(1 << 40);
        let late = UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(http_date(early), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(late), "Thu, 30 Dec 9999 22:00:00 GMT");
        assert_eq!(listed(early), "1970-01-01T00:00:00.000Z");
        assert_eq!(created(late), "9999-12-30T22:00:00Z");
    }
}
