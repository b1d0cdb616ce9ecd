//! Literal inputs become what their node wants, by Python's `int`, `float`, `str` and `bool`.

use serde_json::{Number, Value};

use crate::node::int_to_json;
use crate::python::{is_true, repr, to_str, type_name};

/// Converts a literal for an input of this type; `Err` is the text of the Python exception.
pub(super) fn coerce(value: &Value, kind: &str) -> Result<Value, String> {
    match kind {
        "INT" => to_int(value),
        "FLOAT" => to_float(value).map(Value::Number),
        "STRING" => Ok(Value::String(to_str(value))),
        "BOOLEAN" => Ok(Value::Bool(is_true(value))),
        _ => Ok(value.clone()),
    }
}

fn to_int(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bool(value) => Ok(Value::from(u8::from(*value))),
        Value::Number(number) if !number.is_f64() => Ok(value.clone()),
        Value::Number(number) => {
            let float = number.as_f64().unwrap_or_default();
            #[expect(clippy::cast_possible_truncation, reason = "Python truncates as well")]
            let whole = float.trunc() as i128;
            Ok(int_to_json(whole))
        }
        Value::String(text) => text.trim().replace('_', "").parse::<i128>().map_or_else(
            |_| Err(format!("invalid literal for int() with base 10: {}", repr(value))),
            |number| Ok(int_to_json(number)),
        ),
        other => Err(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(other)
        )),
    }
}

fn to_float(value: &Value) -> Result<Number, String> {
    let wrong = || format!("could not convert string to float: {}", repr(value));
    let float = match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::String(text) => text.trim().parse::<f64>().map_err(|_| wrong())?,
        other => {
            return Err(format!("float() argument must be a string or a real number, not '{}'", type_name(other)));
        }
    };
    // JSON has no infinity and no NaN; ComfyUI would take them and then write invalid JSON.
    Number::from_f64(float).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::coerce;

    /// The pairs of the recorded prompt and what `/history` showed of it.
    #[test]
    fn literals_become_what_was_recorded() {
        for (given, kind, wanted) in [
            (json!("8"), "INT", json!(8)),
            (json!(8.9), "INT", json!(8)),
            (json!(true), "INT", json!(1)),
            (json!("0"), "FLOAT", json!(0.0)),
            (json!("false"), "BOOLEAN", json!(true)),
            (json!(123), "STRING", json!("123")),
            (json!(u64::MAX), "INT", json!(u64::MAX)),
        ] {
            assert_eq!(coerce(&given, kind), Ok(wanted), "{given} as {kind}");
        }
    }

    #[test]
    fn what_python_refuses_is_refused_in_its_words() {
        let refused = |value: Value, kind| coerce(&value, kind).unwrap_err();
        assert_eq!(refused(json!("abc"), "INT"), "invalid literal for int() with base 10: 'abc'");
        assert_eq!(
            refused(Value::Null, "INT"),
            "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'"
        );
        assert_eq!(refused(json!("x"), "FLOAT"), "could not convert string to float: 'x'");
    }
}
