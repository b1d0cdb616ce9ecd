use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A call back into Dify (Python SDK, `core/runtime.py`: `BackwardsInvocation`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackwardsInvocation {
    /// [`STORAGE`](Self::STORAGE), [`UPLOAD_FILE`](Self::UPLOAD_FILE), or another of which this crate has no types.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// A fresh name, repeated by the answers.
    pub backwards_request_id: String,
    /// [`StorageRequest`] or [`UploadFileRequest`], by kind.
    pub request: Value,
}

impl BackwardsInvocation {
    /// The kind whose request is a [`StorageRequest`].
    pub const STORAGE: &'static str = "storage";
    /// The kind whose request is an [`UploadFileRequest`].
    pub const UPLOAD_FILE: &'static str = "upload_file";
}

/// What Dify answers: any number of responses, perhaps an error, then an end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackwardsResponse {
    /// The call back that is answered.
    pub backwards_request_id: String,
    /// What this is.
    pub event: BackwardsEvent,
    /// The text of an error; otherwise without meaning.
    #[serde(default)]
    pub message: String,
    /// The response.
    #[serde(default)]
    pub data: Value,
}

/// The kinds of [`BackwardsResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackwardsEvent {
    /// `data` holds a response.
    Response,
    /// `message` says what failed; an end follows.
    Error,
    /// Nothing more comes.
    End,
}

/// Access to the plugin's storage in Dify (dify-plugin-daemon, `internal/core/persistence`). It needs
/// `resource.permission.storage` in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "opt", rename_all = "snake_case")]
pub enum StorageRequest {
    /// Stores a value.
    Set {
        /// At most [`STORAGE_KEY`](crate::limits::STORAGE_KEY) bytes, without `..`, `//` and `\`.
        key: String,
        /// Hexadecimal.
        value: String,
    },
    /// Reads a value.
    Get {
        /// As above.
        key: String,
    },
    /// Deletes a value.
    Del {
        /// As above.
        key: String,
    },
    /// Asks whether there is a value.
    Exist {
        /// As above.
        key: String,
    },
}

/// Answer to a [`StorageRequest`]: `"ok"` to set and delete, the value in hexadecimal to get, a boolean to exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StorageResponse {
    /// By request, as above.
    pub data: Value,
    /// `deleted_num`, `exist_num`.
    #[serde(flatten)]
    pub counts: Map<String, Value>,
}

/// Asks for a URL to which a file can be posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadFileRequest {
    /// Signed into the URL: the upload must name the same.
    pub filename: String,
    /// Signed into the URL: the upload must say the same, without parameters.
    pub mimetype: String,
}

/// Answer to an [`UploadFileRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadFileResponse {
    /// Where to post the file, as field `file` of a multipart form, within [`FILE_URL`](crate::limits::FILE_URL). Empty
    /// or relative when Dify does not know its own address.
    pub url: String,
}

/// What Dify answers to the upload itself, with status 201 (Dify, `api/controllers/files/upload.py`). The fields used
/// here; there are more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedFile {
    /// Id of the tool file.
    pub id: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// Bytes.
    #[serde(default)]
    pub size: u64,
    /// With the dot.
    #[serde(default)]
    pub extension: Option<String>,
    /// As given.
    #[serde(default)]
    pub mime_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn storage_requests_are_written_as_the_official_sdk_writes_them() {
        let set = StorageRequest::Set { key: "k".into(), value: "00ff".into() };
        assert_eq!(serde_json::to_value(set).unwrap(), json!({"opt": "set", "key": "k", "value": "00ff"}));
        let del = StorageRequest::Del { key: "k".into() };
        assert_eq!(serde_json::to_value(del).unwrap(), json!({"opt": "del", "key": "k"}));
    }

    #[test]
    fn an_end_has_null_data() {
        let end = json!({"backwards_request_id": "1", "event": "end", "message": "", "data": null});
        let end: BackwardsResponse = serde_json::from_value(end).unwrap();
        assert_eq!(end.event, BackwardsEvent::End);
        assert_eq!(end.data, Value::Null);
    }
}
