use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EmptyObject;

/// A line by which a plugin registers with the daemon's debugging server, before the lines that it also writes to
/// standard output. In this order: the handshake, the manifest, the providers, the assets, the end
/// (dify-plugin-daemon, `pkg/entities/plugin_entities/remote_entities.go`).
///
/// The daemon says nothing to a line that is right. To one that is not it answers with a text that is no JSON, and hangs
/// up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum RegistrationLine {
    /// Whose Dify the plugin is for.
    Handshake(Handshake),
    /// What `manifest.yaml` says, as JSON.
    ManifestDeclaration(Value),
    /// What the file of the provider of tools says, with the tools in it. Only the first of the list counts.
    ToolDeclaration(Vec<Value>),
    /// What the file of the provider of datasources says, with the datasources in it. Only the first of the list counts.
    DatasourceDeclaration(Vec<Value>),
    /// A piece of a file that the declarations name.
    AssetChunk(AssetChunk),
    /// All is said.
    End(EmptyObject),
}

/// The data of [`RegistrationLine::Handshake`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// What Dify shows on its Plugins page. A secret.
    pub key: String,
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

/// The data of [`RegistrationLine::AssetChunk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetChunk {
    /// Relative to `_assets`.
    pub filename: String,
    /// Base64 of at most [`ASSET_CHUNK`](crate::limits::ASSET_CHUNK) bytes; not empty.
    pub data: String,
    /// Whether it is the last piece of its file.
    pub end: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_are_as_the_official_sdk_writes_them() {
        let handshake = RegistrationLine::Handshake(Handshake { key: "k".to_owned() });
        let chunk = AssetChunk { filename: "icon.svg".to_owned(), data: "YQ==".to_owned(), end: true };
        for (line, expected) in [
            (handshake, json!({"type": "handshake", "data": {"key": "k"}})),
            (RegistrationLine::ToolDeclaration(vec![json!({})]), json!({"type": "tool_declaration", "data": [{}]})),
            (
                RegistrationLine::AssetChunk(chunk),
                json!({"type": "asset_chunk", "data": {"filename": "icon.svg", "data": "YQ==", "end": true}}),
            ),
            (RegistrationLine::End(EmptyObject {}), json!({"type": "end", "data": {}})),
        ] {
            assert_eq!(serde_json::to_value(&line).unwrap(), expected);
            assert_eq!(serde_json::from_value::<RegistrationLine>(expected).unwrap(), line);
        }
    }

    #[test]
    fn the_key_is_in_no_debug_text() {
        let line = RegistrationLine::Handshake(Handshake { key: "the-secret-key".to_owned() });
        assert!(!format!("{line:?}").contains("the-secret-key"));
    }
}
