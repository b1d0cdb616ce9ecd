use serde::{Deserialize, Deserializer, Serialize};

/// A file given to a tool (graphon, `file/models.py`: `to_plugin_parameter`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileParameter {
    /// Always `__dify__file__`.
    #[serde(default)]
    pub dify_model_identity: String,
    /// Where to download it, within [`FILE_URL`](crate::limits::FILE_URL). Relative when Dify's `FILES_URL` is not set.
    pub url: String,
    /// The media type, if known.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// The name, if known.
    #[serde(default)]
    pub filename: Option<String>,
    /// The extension with its dot, if known.
    #[serde(default)]
    pub extension: Option<String>,
    /// Bytes, if known: Dify writes -1 otherwise. A hint, not a promise.
    #[serde(default, deserialize_with = "negative_is_none")]
    pub size: Option<u64>,
    /// What Dify takes it for.
    #[serde(default)]
    pub r#type: FileType,
}

/// What Dify takes a file for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileType {
    /// A picture.
    Image,
    /// A text, a table, slides, …
    Document,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Anything else.
    #[default]
    #[serde(other)]
    Custom,
}

fn negative_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    // Through f64, because the daemon's JSON may write a large integer with an exponent.
    let size: Option<f64> = Option::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and a hint")]
    Ok(size.filter(|size| *size >= 0.0).map(|size| size as u64))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_unknown_size_is_none() {
        for size in [json!(-1), json!(null)] {
            let file: FileParameter = serde_json::from_value(json!({"url": "http://d/f", "size": size})).unwrap();
            assert_eq!(file.size, None);
        }
        let file: FileParameter = serde_json::from_value(json!({"url": "http://d/f", "size": 12})).unwrap();
        assert_eq!(file.size, Some(12));
    }

    #[test]
    fn a_kind_that_is_not_known_is_custom() {
        let file: FileParameter = serde_json::from_value(json!({"url": "http://d/f", "type": "hologram"})).unwrap();
        assert_eq!(file.r#type, FileType::Custom);
    }
}
