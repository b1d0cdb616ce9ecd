use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// Answer to a [`FetchParameterOptions`](crate::FetchParameterOptions).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterOptions {
    /// In the order in which the user sees them.
    pub options: Vec<ParameterOption>,
}

/// A choice of a dynamic select (Python SDK, `entities/__init__.py`: `ParameterOption`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterOption {
    /// What the tool is given. Empty is refused by the daemon.
    pub value: String,
    /// What the user reads.
    pub label: I18nText,
    /// URL of a picture.
    #[serde(default)]
    pub icon: Option<String>,
}

/// A text in the four languages that Dify knows. A language left out is written as the English text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct I18nText {
    /// English.
    #[serde(rename = "en_US")]
    pub en_us: String,
    /// Simplified Chinese.
    #[serde(rename = "zh_Hans", default)]
    pub zh_hans: Option<String>,
    /// Japanese.
    #[serde(rename = "ja_JP", default)]
    pub ja_jp: Option<String>,
    /// Brazilian Portuguese.
    #[serde(rename = "pt_BR", default)]
    pub pt_br: Option<String>,
}

impl I18nText {
    /// The same text in all languages, as for names.
    pub fn new(en_us: impl Into<String>) -> Self {
        Self { en_us: en_us.into(), zh_hans: None, ja_jp: None, pt_br: None }
    }
}

impl Serialize for I18nText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let or_english = |text: &Option<String>| text.clone().unwrap_or_else(|| self.en_us.clone());
        let mut object = serializer.serialize_struct("I18nText", 4)?;
        object.serialize_field("en_US", &self.en_us)?;
        object.serialize_field("zh_Hans", &or_english(&self.zh_hans))?;
        object.serialize_field("ja_JP", &or_english(&self.ja_jp))?;
        object.serialize_field("pt_BR", &or_english(&self.pt_br))?;
        object.end()
    }
}
