use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// How a secret is written down.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// Whether upper and lower case are different letters in it.
    pub(crate) exact_case: bool,
}

/// All forms of `value` that are searched for.
pub(crate) fn forms(value: &str) -> Vec<Form> {
    let any_case = |name, text| Form { name, text, exact_case: false };
    let bytes = |before: &str, separator: &str, number: fn(u8) -> String| {
        let numbers: Vec<_> = value.bytes().map(number).collect();
        format!("{before}{}", numbers.join(separator))
    };
    let mut forms = vec![
        any_case("as it is", value.to_owned()),
        any_case("backwards", value.chars().rev().collect()),
        any_case("hexadecimal", bytes("", "", |byte| format!("{byte:02x}"))),
        any_case("percent-encoded throughout", bytes("%", "%", |byte| format!("{byte:02x}"))),
        any_case("JSON escapes", bytes("\\u", "\\u", |byte| format!("{byte:04x}"))),
        any_case("numbers", bytes("", ", ", |byte| byte.to_string())),
        any_case("numbers without spaces", bytes("", ",", |byte| byte.to_string())),
    ];
    let encoded = percent_encoded(value);
    if encoded != value {
        forms.push(any_case("percent-encoded", encoded));
    }
    for (name, engine) in [("base64", STANDARD_NO_PAD), ("URL-safe base64", URL_SAFE_NO_PAD)] {
        for before in 0..3 {
            forms.push(Form { name, text: base64_inside(&engine, value.as_bytes(), before), exact_case: true });
        }
    }
    forms
}

/// As in a query: all but letters, digits and four marks.
fn percent_encoded(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The characters of base64 that `value` alone decides, where `before` bytes stand before it in its group of three.
fn base64_inside(engine: &impl Engine, value: &[u8], before: usize) -> String {
    let padded = [&[0; 2][..before], value].concat();
    let encoded = engine.encode(&padded);
    let first = (before * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded[first..last].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str, text: &str) -> bool {
        forms(value).iter().any(|form| text.contains(&form.text))
    }

    #[test]
    fn base64_is_found_at_every_alignment_and_with_any_neighbours() {
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            for before in ["", "x", "xy", "user:", "Bearer "] {
                for after in ["", "z", "zz", "\n"] {
                    let encoded = engine.encode(format!("{before}s3cret/?>~value{after}"));
                    assert!(found("s3cret/?>~value", &encoded), "{before:?} {after:?}");
                }
            }
        }
    }

    #[test]
    fn each_other_form_is_found() {
        let value = "s3cret/?>~";
        for text in [
            "s3cret/?>~",
            "~>?/terc3s",
            "7333637265742f3f3e7e",
            "%73%33%63%72%65%74%2f%3f%3e%7e",
            "s3cret%2F%3F%3E~",
            "\\u0073\\u0033\\u0063\\u0072\\u0065\\u0074\\u002f\\u003f\\u003e\\u007e",
            &format!("{:?}", value.as_bytes()),
        ] {
            assert!(found(value, text), "{text}");
        }
        assert!(!found(value, "s3cret/?>"));
    }
}
