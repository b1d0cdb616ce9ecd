//! Files as they arrive in Dify.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::action::Action;
use crate::failure::CallFailure;

/// How a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carrier {
    /// In `blob_chunk` messages, as tools send files.
    Chunks,
    /// In one `blob` message, as datasources send files. Dify takes it from tools too, where the official SDK never
    /// sends it.
    Blob,
    /// Uploaded, then named by a link.
    Link,
}

/// A file as Dify has it after the call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedFile {
    /// Its name, if the plugin gave one.
    pub name: Option<String>,
    /// Its media type, if the plugin gave one.
    pub media_type: Option<String>,
    /// Bytes.
    pub size: u64,
    /// How it came.
    pub carrier: Carrier,
    /// All of `meta`, of the last chunk or of the link.
    pub meta: Map<String, Value>,
    /// The bytes; none when they went to a writer.
    pub content: Option<Bytes>,
}

/// Name and media type out of `meta` of a file's bytes (Dify, `api/core/tools/utils/message_transformer.py`,
/// `api/core/datasource/utils/message_transformer.py`).
pub(crate) fn describe(
    action: &Action,
    meta: &Map<String, Value>,
) -> Result<(Option<String>, Option<String>), CallFailure> {
    const RESERVED: [&str; 3] = ["tool_file_id", "transfer_method", "file"];
    let (expected, other) =
        if *action == Action::InvokeTool { ("filename", "file_name") } else { ("file_name", "filename") };
    if meta.contains_key(other) && !meta.contains_key(expected) {
        return Err(CallFailure::WrongNameKey { found: other, expected });
    }
    if let Some(key) = RESERVED.into_iter().find(|key| meta.contains_key(*key)) {
        return Err(CallFailure::ReservedMeta { key });
    }
    let text = |name: &str| meta.get(name).and_then(Value::as_str).map(str::to_owned);
    let media_type = text("mime_type");
    if let Some(media_type) = media_type.as_ref().filter(|media_type| media_type.contains(';')) {
        return Err(CallFailure::MediaTypeParameters { media_type: media_type.clone() });
    }
    Ok((text(expected), media_type))
}

/// The id of the tool file that a link names: `meta.tool_file_id` from tools, otherwise the last path segment up to
/// the first dot (graphon, `nodes/tool/tool_node.py`; Dify, `api/core/workflow/nodes/datasource/datasource_node.py`).
pub(crate) fn linked_id<'a>(action: &Action, link: &'a str, meta: &'a Map<String, Value>) -> &'a str {
    let given = meta.get("tool_file_id").and_then(Value::as_str).filter(|_| *action == Action::InvokeTool);
    given.unwrap_or_else(|| {
        let segment = link.rsplit('/').next().unwrap_or_default();
        segment.split('.').next().unwrap_or_default()
    })
}

/// Whether a plain link names a file that Dify has.
pub(crate) fn is_dify_file(link: &str) -> bool {
    link.starts_with("/files/tools/") || link.starts_with("/files/datasources/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meta(meta: Value) -> Map<String, Value> {
        meta.as_object().unwrap().clone()
    }

    #[test]
    fn names_have_different_keys() {
        let tool = meta(json!({"filename": "a", "mime_type": "text/plain"}));
        assert_eq!(describe(&Action::InvokeTool, &tool), Ok((Some("a".to_owned()), Some("text/plain".to_owned()))));
        assert_eq!(
            describe(&Action::DownloadFile, &tool),
            Err(CallFailure::WrongNameKey { found: "filename", expected: "file_name" })
        );
        let both = meta(json!({"filename": "a", "file_name": "b"}));
        assert_eq!(describe(&Action::DownloadFile, &both), Ok((Some("b".to_owned()), None)));
        assert_eq!(describe(&Action::InvokeTool, &Map::new()), Ok((None, None)));
    }

    #[test]
    fn media_types_have_no_parameters() {
        let refused = describe(&Action::InvokeTool, &meta(json!({"mime_type": "text/plain; charset=utf-8"})));
        assert!(matches!(refused, Err(CallFailure::MediaTypeParameters { .. })));
    }

    #[test]
    fn a_link_names_its_file_as_dify_reads_it() {
        let none = Map::new();
        for link in ["/files/tools/abc.tar.gz", "http://dify/files/datasources/abc.bin", "abc"] {
            assert_eq!(linked_id(&Action::DownloadFile, link, &none), "abc");
        }
        let given = meta(json!({"tool_file_id": "xyz"}));
        assert_eq!(linked_id(&Action::InvokeTool, "/files/tools/abc.bin", &given), "xyz");
        assert_eq!(linked_id(&Action::DownloadFile, "/files/tools/abc.bin", &given), "abc");
    }
}
