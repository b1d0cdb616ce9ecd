//! What Go's `json.Unmarshal` and the daemon's validator accept for a struct: null fits everything and leaves the zero
//! value, a missing field too, unknown fields are dropped, and a number fits an `int` only as an integer literal.

use serde_json::Value;

/// A Go type, as far as JSON can miss it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GoType {
    /// `string`.
    Text,
    /// `int`, `int64`.
    Integer,
    /// `bool`.
    Boolean,
    /// `map[string]any`.
    Map,
    /// A slice.
    List(&'static Self),
    /// A struct.
    Struct(&'static [Field]),
}

/// A field of a struct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    name: &'static str,
    go_type: GoType,
    /// Where the validator reaches: zero values are refused.
    required: bool,
}

pub(crate) const fn field(name: &'static str, go_type: GoType) -> Field {
    Field { name, go_type, required: false }
}

pub(crate) const fn required(name: &'static str, go_type: GoType) -> Field {
    Field { name, go_type, required: true }
}

impl GoType {
    /// Why the daemon refuses `value`, as `path: reason`.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        self.check_at("", value)
    }

    fn check_at(&self, path: &str, value: &Value) -> Result<(), String> {
        match (self, value) {
            (_, Value::Null)
            | (Self::Text, Value::String(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Map, Value::Object(_)) => Ok(()),
            (Self::Integer, Value::Number(number)) if number.is_i64() => Ok(()),
            (Self::List(item), Value::Array(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, value)| item.check_at(&join(path, &index.to_string()), value)),
            (Self::Struct(fields), Value::Object(object)) => fields.iter().try_for_each(|field| {
                let path = join(path, field.name);
                let value = object.get(field.name).unwrap_or(&Value::Null);
                field.go_type.check_at(&path, value)?;
                if field.required && field.go_type.is_zero(value) { Err(format!("{path} is required")) } else { Ok(()) }
            }),
            _ => {
                let subject = if path.is_empty() { "it".to_owned() } else { path.to_owned() };
                Err(format!("{subject} is {}, not {}", describe(value), self.name()))
            }
        }
    }

    /// An empty list is not the zero value of a slice.
    fn is_zero(&self, value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Bool(value) => !value,
            Value::Number(number) => number.as_i64() == Some(0),
            Value::Array(_) | Value::Object(_) => false,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "an integer literal",
            Self::Boolean => "a boolean",
            Self::Map | Self::Struct(_) => "an object",
            Self::List(_) => "a list",
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// What a value is, for an error; short values are shown.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
