//! Dify's side of a plugin's calls back (dify-plugin-daemon, `internal/core/io_tunnel/backwards_invocation/task.go`).

use dify_plugin_protocol::{
    BackwardsEvent, BackwardsInvocation, BackwardsResponse, StorageRequest, UploadFileRequest, UploadFileResponse,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::decode::without_place;
use crate::host::DifyHost;

/// All answers to `invocation`, in order.
pub(crate) fn answer(host: &DifyHost, user_id: &str, invocation: BackwardsInvocation) -> [BackwardsResponse; 2] {
    let BackwardsInvocation { kind, backwards_request_id: id, request } = invocation;
    let outcome = match &*kind {
        BackwardsInvocation::STORAGE => storage(host, request),
        BackwardsInvocation::UPLOAD_FILE => upload_file(host, user_id, request),
        other => Err(refusal(other)),
    };
    let (event, message, data) = match outcome {
        Ok(data) => (BackwardsEvent::Response, "struct".to_owned(), data),
        Err(message) => (BackwardsEvent::Error, message, Value::Null),
    };
    let end = BackwardsResponse {
        backwards_request_id: id.clone(),
        event: BackwardsEvent::End,
        message: String::new(),
        data: Value::Null,
    };
    [BackwardsResponse { backwards_request_id: id, event, message, data }, end]
}

fn storage(host: &DifyHost, request: Value) -> Result<Value, String> {
    if !host.storage_allowed() {
        return Err(denied("storage"));
    }
    let request: StorageRequest = decode(request)?;
    host.with_storage(|storage| storage.answer(request)).and_then(|response| encode(&response))
}

fn upload_file(host: &DifyHost, user_id: &str, request: Value) -> Result<Value, String> {
    let request: UploadFileRequest = decode(request)?;
    if request.filename.is_empty() || request.mimetype.is_empty() {
        return Err("unmarshal backwards invoke request failed: filename and mimetype are required".to_owned());
    }
    let Some(uploads) = host.uploads() else {
        return Err("upload file failed: this Dify takes no uploads".to_owned());
    };
    encode(&UploadFileResponse { url: uploads.url_for(&request, host.tenant_id(), user_id) })
}

/// What the daemon says to a kind that this host does not serve: a plugin has no permission for it, or there is no
/// such kind.
fn refusal(kind: &str) -> String {
    match kind {
        "tool" => denied("tool"),
        "llm" | "llm_structured_output" | "system_summary" => denied("llm"),
        "text_embedding" | "multimodal_embedding" => denied("text-embedding"),
        "rerank" | "multimodal_rerank" => denied("rerank"),
        "tts" => denied("tts"),
        "speech2text" => denied("speech2text"),
        "moderation" => denied("moderation"),
        "node_parameter_extractor" | "node_question_classifier" => denied("node"),
        "app" | "fetch_app" => denied("app"),
        other => format!("unsupported invoke type: {other}"),
    }
}

fn denied(what: &str) -> String {
    format!("permission denied, you need to enable {what} access in plugin manifest")
}

fn decode<T: DeserializeOwned>(request: Value) -> Result<T, String> {
    serde_json::from_value(request)
        .map_err(|error| format!("unmarshal backwards invoke request failed: {}", without_place(&error.to_string())))
}

fn encode(response: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(response).map_err(|error| error.to_string())
}
