//! JSON as Python's `json` module writes it.
//!
//! Python prints the floats that JSON cannot express as the bare words `NaN`, `Infinity` and `-Infinity`, and aiohttp's
//! `json_response`, which ComfyUI answers with, lets them through: `/object_info` and `/history` can hold them.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::DeserializeOwned;

/// Parses `bytes`, with the bare words read as `null`.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&without_bare_floats(bytes))
}

/// The same JSON with `NaN`, `Infinity` and `-Infinity` outside strings replaced by `null`. Borrows when there are
/// none, which is nearly always.
pub(crate) fn without_bare_floats(json: &[u8]) -> Cow<'_, [u8]> {
    // A run of a thousand nodes tells its progress in 240 MB, and a search for words is quicker than a walk.
    if memmem::find(json, b"NaN").is_none() && memmem::find(json, b"Infinity").is_none() {
        return Cow::Borrowed(json);
    }
    let mut replaced: Option<Vec<u8>> = None;
    let mut kept_to = 0;
    let mut at = 0;
    let mut in_string = false;
    while let Some(&byte) = json.get(at) {
        let word: &[u8] = match byte {
            b'\\' if in_string => {
                at += 2;
                continue;
            }
            b'"' => {
                in_string = !in_string;
                b""
            }
            b'N' if !in_string => b"NaN",
            b'I' if !in_string => b"Infinity",
            b'-' if !in_string => b"-Infinity",
            _ => b"",
        };
        if word.is_empty() || !json.get(at..).is_some_and(|rest| rest.starts_with(word)) {
            at += 1;
            continue;
        }
        let output = replaced.get_or_insert_with(|| Vec::with_capacity(json.len()));
        output.extend_from_slice(json.get(kept_to..at).unwrap_or_default());
        output.extend_from_slice(b"null");
        at += word.len();
        kept_to = at;
    }
    match replaced {
        None => Cow::Borrowed(json),
        Some(mut output) => {
            output.extend_from_slice(json.get(kept_to..).unwrap_or_default());
            Cow::Owned(output)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(text: &str) -> Value {
        from_slice(text.as_bytes()).unwrap()
    }

    #[test]
    fn bare_floats_become_null() {
        assert_eq!(
            parse(r#"{"min": -Infinity, "max": Infinity, "is_changed": [NaN, 1, -2.5]}"#),
            json!({"min": null, "max": null, "is_changed": [null, 1, -2.5]})
        );
        assert_eq!(parse("NaN"), Value::Null);
    }

    #[test]
    fn the_same_words_in_strings_stay() {
        let text = r#"{"NaN": "-Infinity \" NaN \\", "Infinity": NaN}"#;
        assert_eq!(parse(text), json!({"NaN": "-Infinity \" NaN \\", "Infinity": null}));
    }

    #[test]
    fn ordinary_json_is_not_copied() {
        assert!(matches!(without_bare_floats(br#"{"a": "NaN", "b": -1}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn cut_off_text_is_an_error_and_no_panic() {
        for text in [r#"{"a": "\"#, r#"{"a": Na"#, "-Inf", "\"", "", "-"] {
            assert!(from_slice::<Value>(text.as_bytes()).is_err(), "{text}");
        }
    }
}
