//! Percent encoding as COS uses it in signatures and in listings.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Letters, digits and `-_.~` stay, as in `cos_auth.py` of the official Python SDK.
const SIGNED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What `encoding-type=url` leaves as it is: the above and the slash.
const LISTED: &AsciiSet = &SIGNED.remove(b'/');

/// Encodes a name or value for the string that is signed.
pub(crate) fn encode_signed(text: &str) -> String {
    utf8_percent_encode(text, SIGNED).to_string()
}

/// Encodes a key for an answer with `encoding-type=url`.
pub(crate) fn encode_listed(text: &str) -> String {
    utf8_percent_encode(text, LISTED).to_string()
}

/// Decodes a path; `None` when it is not UTF-8. A `+` is a plus here.
pub(crate) fn decode_path(raw: &str) -> Option<String> {
    percent_decode_str(raw).decode_utf8().ok().map(Cow::into_owned)
}

/// Decodes a form: a `+` is a space. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode_form(raw: &str) -> String {
    let spaced = raw.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_is_encoded_when_signed_and_kept_when_listed() {
        assert_eq!(encode_signed("a/b c+~"), "a%2Fb%20c%2B~");
        assert_eq!(encode_listed("a/b c+~"), "a/b%20c%2B~");
        assert_eq!(encode_listed("报\u{1}"), "%E6%8A%A5%01");
    }

    #[test]
    fn plus_means_space_in_forms_only() {
        assert_eq!(decode_form("a+b%2B"), "a b+");
        assert_eq!(decode_path("a+b%2B").as_deref(), Some("a+b+"));
        assert_eq!(decode_path("%ff"), None);
    }
}
