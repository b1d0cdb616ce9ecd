use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Visitor};
use serde_json::Value;

/// The id of a node or a link. The editor makes numbers of its own and keeps any text: `3` and `"3"` are the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(Arc<str>);

impl Id {
    /// The inner end of a subgraph's inputs.
    pub(super) const ENTRANCE: &'static str = "-10";
    /// The inner end of a subgraph's outputs.
    pub(super) const EXIT: &'static str = "-20";

    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::from(text.as_str())),
            Value::Number(number) => Some(Self::from(number_text(number).as_str())),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that it is.
    pub(super) fn number(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

/// A number as JavaScript writes it: `8.0` is `8`. Integers keep all their digits.
pub(super) fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e21 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::from("-1")
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl Visitor<'_> for IdVisitor {
            type Value = Id;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an id")
            }
            fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
                Ok(Id::from(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(Id::from(number.to_string().as_str()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Id, E> {
                let text = serde_json::Number::from_f64(number).map(|number| number_text(&number));
                Ok(Id::from(text.unwrap_or_default().as_str()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Id, E> {
                Ok(Id::from(text))
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}
