use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

/// A text in the four languages that Dify knows. Where one is missing Dify shows the English text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct I18nText {
    /// English.
    #[serde(rename = "en_US")]
    pub en_us: String,
    /// Simplified Chinese.
    #[serde(rename = "zh_Hans")]
    pub zh_hans: Option<String>,
    /// Japanese.
    #[serde(rename = "ja_JP")]
    pub ja_jp: Option<String>,
    /// Brazilian Portuguese.
    #[serde(rename = "pt_BR")]
    pub pt_br: Option<String>,
}

impl I18nText {
    /// Each language by the name that Dify gives it, with its text.
    #[must_use]
    pub fn languages(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("en_US", Some(&self.en_us)),
            ("zh_Hans", self.zh_hans.as_deref()),
            ("ja_JP", self.ja_jp.as_deref()),
            ("pt_BR", self.pt_br.as_deref()),
        ]
    }
}

/// With the English text where another is missing, as the official SDK sends it.
impl Serialize for I18nText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        for (language, text) in self.languages() {
            map.serialize_entry(language, text.unwrap_or(&self.en_us))?;
        }
        map.end()
    }
}
