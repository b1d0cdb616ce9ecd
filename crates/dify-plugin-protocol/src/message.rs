use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A piece of a tool's or a download's answer
/// (dify-plugin-daemon, `pkg/entities/tool_entities`; Python SDK, `entities/invoke_message.py`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What it is.
    #[serde(flatten)]
    pub body: MessageBody,
    /// About a file: `mime_type`, and `filename` from a tool but `file_name` from a datasource; `tool_file_id` with a
    /// link to a file that is in Dify already.
    #[serde(default)]
    pub meta: Option<Map<String, Value>>,
}

impl Message {
    /// A message without `meta`.
    #[must_use]
    pub const fn new(body: MessageBody) -> Self {
        Self { body, meta: None }
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(MessageBody::Text(Text { text: text.into() }))
    }
}

/// The kinds of [`Message`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "message", rename_all = "snake_case")]
pub enum MessageBody {
    /// A text; several are joined.
    Text(Text),
    /// An object or a list.
    Json(JsonObject),
    /// A URL for the reader.
    Link(Text),
    /// The URL of a picture, which Dify downloads.
    Image(Text),
    /// The URL of a picture that is in Dify already.
    ImageLink(Text),
    /// The URL of a file that is in Dify already.
    BinaryLink(Text),
    /// A whole file. A tool sends chunks instead; a datasource must not.
    Blob {
        /// Base64 of the bytes.
        blob: String,
    },
    /// A piece of a file of a tool.
    BlobChunk(BlobChunk),
    /// An output variable.
    Variable(Variable),
    /// A step that the user can watch. The same id again updates it.
    Log(LogMessage),
    /// Passages that a retrieval found.
    RetrieverResources {
        /// As Dify's knowledge retrieval describes them.
        retriever_resources: Vec<Value>,
        /// The passages as one text.
        context: String,
    },
    /// A file of Dify's own making; `meta` holds it.
    File,
}

/// A text or a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    pub text: String,
}

/// An object or a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonObject {
    /// Nothing else than an object or a list is accepted.
    pub json_object: Value,
}

/// A piece of a file.
///
/// Dify merges them by `id`: numbered from 0, at most [`BLOB_CHUNK`](crate::limits::BLOB_CHUNK) bytes each, the same
/// `total_length` on all, then one without bytes and with `end`, whose `meta` counts
/// (Dify, `api/core/plugin/utils/chunk_merger.py`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobChunk {
    /// The file within the call.
    pub id: String,
    /// Number of the chunk.
    pub sequence: u64,
    /// Bytes of the whole file.
    pub total_length: u64,
    /// Base64 of the bytes.
    pub blob: String,
    /// Whether the file is complete.
    pub end: bool,
}

/// An output variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    /// `text`, `json` and `files` are refused by Dify.
    pub variable_name: String,
    /// Any value; a text when `stream` is set.
    pub variable_value: Value,
    /// Whether the text is appended to what came before under the same name.
    pub stream: bool,
}

/// A step that the user can watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogMessage {
    /// The step.
    pub id: String,
    /// What the user reads.
    pub label: String,
    /// The step of which this one is a part.
    pub parent_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// How it stands.
    pub status: LogStatus,
    /// What the user can open.
    pub data: Map<String, Value>,
    /// `started_at`, `finished_at`, `elapsed_time` (seconds), `provider`, …; some versions of Dify trip over null.
    pub metadata: Option<Map<String, Value>>,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStatus {
    /// At work.
    Start,
    /// Done.
    Success,
    /// Failed.
    Error,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_written_as_the_official_sdk_writes_them() {
        let cases = [
            (Message::text("hello"), json!({"type": "text", "message": {"text": "hello"}, "meta": null})),
            (
                Message::new(MessageBody::Json(JsonObject { json_object: json!([1]) })),
                json!({"type": "json", "message": {"json_object": [1]}, "meta": null}),
            ),
            (
                Message { body: MessageBody::Blob { blob: "YQ==".into() }, meta: Some(Map::new()) },
                json!({"type": "blob", "message": {"blob": "YQ=="}, "meta": {}}),
            ),
            (
                Message::new(MessageBody::BinaryLink(Text { text: "/files/tools/x.bin".into() })),
                json!({"type": "binary_link", "message": {"text": "/files/tools/x.bin"}, "meta": null}),
            ),
        ];
        for (message, written) in cases {
            assert_eq!(serde_json::to_value(&message).unwrap(), written);
            assert_eq!(serde_json::from_value::<Message>(written).unwrap(), message);
        }
    }

    #[test]
    fn a_message_must_be_an_object_or_null() {
        assert!(serde_json::from_value::<Message>(json!({"type": "text", "message": "x"})).is_err());
        let file = json!({"type": "file", "message": null, "meta": {"file": "x"}});
        assert_eq!(serde_json::from_value::<Message>(file).unwrap().body, MessageBody::File);
    }
}
