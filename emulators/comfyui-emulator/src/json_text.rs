//! JSON as Python's `json.dumps` writes it: `", "` and `": "` between things, and nothing but
//! ASCII. Every body, every text frame and every PNG text chunk of ComfyUI looks like this.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Writes `value` as ComfyUI would.
pub(crate) fn to_text(value: &Value) -> String {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, PythonFormatter);
    if let Err(error) = value.serialize(&mut serializer) {
        // A `Value` has string keys only and a vector takes every byte.
        tracing::error!(%error, "a JSON value could not be written");
    }
    String::from_utf8(text).unwrap_or_default()
}

struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0; 2];
        for character in fragment.chars() {
            if character.is_ascii() {
                out.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::to_text;

    #[test]
    fn spaces_and_escapes_are_those_of_python() {
        let value = json!({"b": [1, 2.0, null], "a": "hé\n\u{1f600}"});
        assert_eq!(to_text(&value), "{\"b\": [1, 2.0, null], \"a\": \"h\\u00e9\\n\\ud83d\\ude00\"}");
    }
}
