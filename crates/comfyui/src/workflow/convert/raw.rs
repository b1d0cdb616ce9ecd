//! Readers for what editors and their extensions write in more than one way.

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;

/// `T`, or its default where the file has something else: for what does not change the prompt when it is missing.
#[derive(Default)]
pub(super) struct Flexible<T>(pub(super) T);

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Flexible<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(serde_json::from_value(value).unwrap_or_default()))
    }
}

/// A text, or a number as one. A list, which old editors have for the type of a choice, is `COMBO`.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            Value::Number(number) => super::id::number_text(&number),
            Value::Array(_) => "COMBO".to_owned(),
            _ => String::new(),
        }))
    }
}
