//! JSON as Go's `encoding/json` writes it. The daemon reads Dify's requests into `map[string]any` and writes them
//! again, so keys come sorted, every number has been a `float64`, and `<`, `>`, `&`, U+2028 and U+2029 are escaped.

use serde_json::{Map, Value};

/// `value` on one line.
pub(crate) fn to_string(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

/// An object on one line.
pub(crate) fn object_to_string(object: &Map<String, Value>) -> String {
    let mut text = String::new();
    write_object(&mut text, object);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(text, number.as_f64().unwrap_or_default()),
        Value::String(string) => write_string(text, string),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Value::Object(object) => write_object(text, object),
    }
}

fn write_object(text: &mut String, object: &Map<String, Value>) {
    // Sorted here, because serde_json keeps the order of insertion where any crate in the build asks for that.
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(key, _)| key.as_str());
    text.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write_string(text, key);
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

/// Go's `encoding/json`, `floatEncoder`: shortest digits that read back the same, with an exponent below 1e-6 and from
/// 1e21 on.
fn write_number(text: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let written = format!("{number:e}");
        match written.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                text.push_str(digits);
                text.push_str("e+");
                text.push_str(exponent);
            }
            _ => text.push_str(&written),
        }
    } else {
        text.push_str(&number.to_string());
    }
}

pub(crate) fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_have_been_doubles() {
        for (value, written) in [
            (json!(1.0), "1"),
            (json!(20), "20"),
            (json!(-3), "-3"),
            (json!(0.1), "0.1"),
            (json!(9_007_199_254_740_993_u64), "9007199254740992"),
            (json!(u64::MAX), "18446744073709552000"),
            (json!(1e21), "1e+21"),
            (json!(1.5e300), "1.5e+300"),
            (json!(1e20), "100000000000000000000"),
            (json!(0.000_001), "0.000001"),
            (json!(0.000_000_1), "1e-7"),
            (json!(-2.5e-9), "-2.5e-9"),
        ] {
            assert_eq!(to_string(&value), written);
        }
    }

    #[test]
    fn texts_are_escaped_for_html() {
        assert_eq!(
            to_string(&json!("<a href=\"x\">&\u{2028}\u{2029}\u{1}\u{8}\u{c}\n\r\t\\ é 😀 /")),
            r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029\u0001\b\f\n\r\t\\ é 😀 /""#
        );
    }

    #[test]
    fn keys_are_sorted() {
        assert_eq!(to_string(&json!({"b": [1, null], "a": {"<": true}})), r#"{"a":{"\u003c":true},"b":[1,null]}"#);
    }

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({"t": "<\u{0}\u{7f}&'\"", "n": [0, -1, 2.5, 1e-9], "o": {}, "l": [], "b": [true, false]});
        assert_eq!(serde_json::from_str::<Value>(&to_string(&value)).unwrap()["t"], value["t"]);
    }
}
