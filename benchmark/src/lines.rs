//! A plugin's lines, judged by their first bytes: reading them must cost next to nothing on either side.

use memchr::{memchr, memmem};

/// A line without its newline. Of a very long one the middle is gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// The beginning, or all of it.
    pub(crate) head: &'a [u8],
    /// The end, or all of it.
    pub(crate) tail: &'a [u8],
    /// Bytes of the line.
    pub(crate) length: u64,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    Heartbeat,
    /// A blank line, the manifest, a log.
    Other,
    /// Of the call of this session.
    Session(&'a [u8], Said),
}

/// What a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Stream,
    Invoke,
    End,
    Error,
}

impl<'a> Line<'a> {
    /// `None` when it is nothing that a plugin says.
    pub(crate) fn kind(&self) -> Option<Kind<'a>> {
        const SESSION: &[u8] = b"{\"event\":\"session\",\"session_id\":\"";
        const DATA: &[u8] = b"\",\"data\":{\"type\":\"";
        let Some(rest) = self.head.strip_prefix(SESSION) else {
            return match self.head {
                line if line.starts_with(b"{\"event\":\"heartbeat\"") => Some(Kind::Heartbeat),
                [] | [b'{', .., b'}'] => Some(Kind::Other),
                _ => None,
            };
        };
        let (session, rest) = rest.split_at_checked(memchr(b'"', rest)?)?;
        let said = match rest.strip_prefix(DATA)? {
            said if said.starts_with(b"stream\"") => Said::Stream,
            said if said.starts_with(b"end\"") => Said::End,
            said if said.starts_with(b"invoke\"") => Said::Invoke,
            said if said.starts_with(b"error\"") => Said::Error,
            _ => return None,
        };
        self.tail.ends_with(b"}").then_some(Kind::Session(session, said))
    }

    /// Bytes of the file, or of the part of one, that it carries in base64; 0 for other lines.
    pub(crate) fn file_bytes(&self) -> u64 {
        const BLOB: &[u8] = b"\"blob\":\"";
        let beginning = self.head.get(..1024).unwrap_or(self.head);
        let Some(from) = memmem::find(beginning, BLOB).map(|at| at + BLOB.len()) else { return 0 };
        let is_whole = self.head.len() as u64 == self.length;
        // No quote is in base64: the first one ends it.
        let (base64, end) = if is_whole {
            let rest = self.head.get(from..).unwrap_or_default();
            let Some(end) = memchr(b'"', rest) else { return 0 };
            (end as u64, rest.get(..end).unwrap_or_default())
        } else {
            let Some(end) = memchr(b'"', self.tail) else { return 0 };
            let after = (self.tail.len() - end) as u64;
            (self.length - from as u64 - after, self.tail.get(..end).unwrap_or_default())
        };
        let padding = end.iter().rev().take_while(|byte| **byte == b'=').count() as u64;
        (base64 / 4 * 3).saturating_sub(padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        Line { head: text.as_bytes(), tail: text.as_bytes(), length: text.len() as u64 }
    }

    #[test]
    fn lines_of_both_sdks_are_told_apart() {
        assert_eq!(line("").kind(), Some(Kind::Other));
        assert_eq!(line(r#"{"version":"0.0.1"}"#).kind(), Some(Kind::Other));
        assert_eq!(line(r#"{"event": "log", "data": {}}"#).kind(), Some(Kind::Other));
        assert_eq!(line(r#"{"event":"heartbeat","session_id":null,"data":{}}"#).kind(), Some(Kind::Heartbeat));
        let end = line(r#"{"event":"session","session_id":"s1","data":{"type":"end","data":{}}}"#);
        assert_eq!(end.kind(), Some(Kind::Session(b"s1", Said::End)));
        assert_eq!(line("Traceback (most recent call last):").kind(), None);
        assert_eq!(line(r#"{"event":"session","session_id":"s1","data":{"type":"st"#).kind(), None);
    }

    #[test]
    fn the_bytes_of_a_file_are_counted() {
        let chunk = |base64: &str| {
            format!(
                r#"{{"event":"session","session_id":"s","data":{{"type":"stream","data":{{"type":"blob_chunk","message":{{"blob":"{base64}","end":false}},"meta":null}}}}}}"#
            )
        };
        for (base64, bytes) in [("", 0), ("AA==", 1), ("AAA=", 2), ("AAAA", 3), ("AAAAAAA=", 5)] {
            let chunk = chunk(base64);
            assert_eq!(line(&chunk).file_bytes(), bytes);
        }
        let long = chunk(&format!("{}AA==", "AAAA".repeat(10_000)));
        let (head, tail) = (&long.as_bytes()[..2000], &long.as_bytes()[long.len() - 200..]);
        assert_eq!(Line { head, tail, length: long.len() as u64 }.file_bytes(), 30_001);
        assert_eq!(line(r#"{"data":"text"}"#).file_bytes(), 0);
    }
}
