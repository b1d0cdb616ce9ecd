//! What the daemon and then Dify make of the payloads of an answer.
//!
//! The daemon decodes each `stream` payload into the action's Go struct and ends the call where that fails
//! (dify-plugin-daemon, `internal/core/io_tunnel/generic.go`, `pkg/entities`). What passes is written again and checked
//! a second time by Dify's own models, which is where the types of `dify-plugin-protocol` come in.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::{
    BackwardsInvocation, BrowseFilesResponse, CallError, Message, MessageBody, ParameterOptions, Validation,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::action::Action;
use crate::failure::CallFailure;
use crate::go_struct::{Field, GoType, field, required};

/// Types of messages that the daemon knows (`pkg/entities/{tool,datasource}_entities`).
const MESSAGE_TYPES: [&str; 12] = [
    "text",
    "file",
    "blob",
    "blob_chunk",
    "json",
    "link",
    "image",
    "image_link",
    "binary_link",
    "variable",
    "log",
    "retriever_resources",
];

/// The result of an action that answers with one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ActionResult {
    /// Credentials were found good. `false` never gets here.
    Validation(Validation),
    /// Choices of a dynamic select.
    Options(ParameterOptions),
    /// A page of a drive.
    Browse(BrowseFilesResponse),
    /// The payload of an action of which this crate has no types.
    Other(Value),
}

/// A decoded `stream` payload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Payload {
    Message(Box<Message>),
    Result(ActionResult),
}

/// Whether the daemon accepts `payload` as an item of the answer to `action`, a name as in the protocol.
///
/// # Errors
/// Why it does not: the call would end with an `unmarshal_error`. Actions that are not known here are accepted.
pub(crate) fn daemon_accepts(action: &str, payload: &Value) -> Result<(), String> {
    use GoType::{Boolean, Integer, List, Map, Struct, Text};

    const MESSAGE: &[Field] = &[required("type", Text), field("message", Map), field("meta", Map)];
    const LABEL: &[Field] =
        &[required("en_US", Text), field("zh_Hans", Text), field("ja_JP", Text), field("pt_BR", Text)];
    const OPTION: &[Field] = &[required("value", Text), required("label", Struct(LABEL)), field("icon", Text)];
    const DRIVE_FILE: &[Field] = &[field("id", Text), field("name", Text), field("size", Integer), field("type", Text)];
    const BUCKET: &[Field] = &[
        field("bucket", Text),
        field("files", List(&Struct(DRIVE_FILE))),
        field("is_truncated", Boolean),
        field("next_page_parameters", Map),
    ];

    const VALIDATION: &[Field] = &[field("result", Boolean)];
    const OPTIONS: &[Field] = &[field("options", List(&Struct(OPTION)))];
    const BROWSE: &[Field] = &[required("result", List(&Struct(BUCKET)))];
    const CRAWL: &[Field] = &[field("result", Map)];
    const PAGES: &[Field] = &[field("result", List(&Map))];
    const AUTHORIZATION: &[Field] = &[field("authorization_url", Text)];
    const CREDENTIALS: &[Field] = &[field("metadata", Map), field("credentials", Map), field("expires_at", Integer)];

    let fields = match action {
        "validate_tool_credentials" | "validate_datasource_credentials" => VALIDATION,
        "invoke_tool" | "invoke_online_document_datasource_get_page_content" | "invoke_online_drive_download_file" => {
            MESSAGE
        }
        "fetch_parameter_options" => OPTIONS,
        "invoke_online_drive_browse_files" => BROWSE,
        "invoke_website_datasource_get_crawl" => CRAWL,
        "invoke_online_document_datasource_get_pages" => PAGES,
        "get_authorization_url" => AUTHORIZATION,
        "get_credentials" | "refresh_credentials" => CREDENTIALS,
        _ => return Ok(()),
    };
    Struct(fields).check(payload)?;
    if std::ptr::eq(fields, MESSAGE)
        && let Some(kind) = payload.get("type").and_then(Value::as_str)
        && !MESSAGE_TYPES.contains(&kind)
    {
        return Err(format!("`{kind}` is no type of a message"));
    }
    Ok(())
}

/// Decodes a `stream` payload as the daemon and then Dify do.
pub(crate) fn payload(action: &Action, payload: &str) -> Result<Payload, CallFailure> {
    let value: Value = serde_json::from_str(payload).map_err(|error| refused_by_daemon(&error.to_string()))?;
    daemon_accepts(action.name(), &value).map_err(|reason| refused_by_daemon(&reason))?;
    Ok(match action {
        Action::InvokeTool | Action::DownloadFile => {
            let message: Message = dify_model(value)?;
            check_message(&message)?;
            Payload::Message(Box::new(message))
        }
        Action::ValidateToolCredentials | Action::ValidateDatasourceCredentials => {
            if value.get("result").and_then(Value::as_bool) != Some(true) {
                return Err(CallFailure::ValidationFalse);
            }
            Payload::Result(ActionResult::Validation(Validation { result: true }))
        }
        Action::FetchParameterOptions => Payload::Result(ActionResult::Options(dify_model(value)?)),
        Action::BrowseFiles => {
            let answer: BrowseFilesResponse = dify_model(with_go_zero_values(value))?;
            check_pages(&answer)?;
            Payload::Result(ActionResult::Browse(answer))
        }
        Action::Other { .. } => Payload::Result(ActionResult::Other(value)),
    })
}

/// Decodes the data of an `error`; the daemon drops it where that fails (`pkg/entities/plugin_entities/event.go`).
pub(crate) fn error(data: &str) -> Result<CallError, String> {
    const ERROR: &[Field] =
        &[field("message", GoType::Text), field("error_type", GoType::Text), field("args", GoType::Map)];
    let value: Value = serde_json::from_str(data).map_err(|error| error.to_string())?;
    GoType::Struct(ERROR).check(&value)?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let args: Option<Map<String, Value>> = value.get("args").and_then(Value::as_object).cloned();
    match args.as_ref().map_or(0, Map::len) {
        keys if keys > ERROR_ARGS => Err(format!("args has {keys} keys, {ERROR_ARGS} are allowed")),
        _ => Ok(CallError { error_type: text("error_type"), message: text("message"), args }),
    }
}

/// Decodes a call back; the daemon fails the whole call where that fails
/// (`internal/core/io_tunnel/backwards_invocation/task.go`).
pub(crate) fn invocation(data: &str) -> Result<BackwardsInvocation, String> {
    let invocation: BackwardsInvocation =
        serde_json::from_str(data).map_err(|error| without_place(&error.to_string()))?;
    if invocation.request.is_object() { Ok(invocation) } else { Err("request is not an object".to_owned()) }
}

/// The daemon's structs turn null into the zero value before Dify sees it; lists stay null.
fn with_go_zero_values(mut answer: Value) -> Value {
    let buckets = answer.get_mut("result").and_then(Value::as_array_mut);
    for bucket in buckets.into_iter().flatten().filter_map(Value::as_object_mut) {
        fill(bucket, "is_truncated", &Value::Bool(false));
        let files = bucket.get_mut("files").and_then(Value::as_array_mut);
        for file in files.into_iter().flatten().filter_map(Value::as_object_mut) {
            fill(file, "size", &Value::from(0));
            for name in ["id", "name", "type"] {
                fill(file, name, &Value::from(""));
            }
        }
    }
    answer
}

fn fill(object: &mut Map<String, Value>, name: &str, zero: &Value) {
    if object.get(name).is_none_or(Value::is_null) {
        object.insert(name.to_owned(), zero.clone());
    }
}

fn check_pages(answer: &BrowseFilesResponse) -> Result<(), CallFailure> {
    for bucket in &answer.result {
        let next = bucket.next_page_parameters.as_ref().is_some_and(|next| !next.is_empty());
        if bucket.is_truncated && !next {
            return Err(CallFailure::TruncatedWithoutNextPage { bucket: bucket.bucket.clone() });
        }
    }
    Ok(())
}

fn check_message(message: &Message) -> Result<(), CallFailure> {
    match &message.body {
        MessageBody::Json(json) if !(json.json_object.is_object() || json.json_object.is_array()) => {
            Err(CallFailure::DifyRefuses { reason: "json_object is neither an object nor a list".to_owned() })
        }
        MessageBody::Variable(variable) => {
            let name = &variable.variable_name;
            if ["text", "json", "files"].contains(&name.as_str()) {
                return Err(CallFailure::ReservedVariable { name: name.clone() });
            }
            if variable.stream && !variable.variable_value.is_string() {
                return Err(CallFailure::StreamedVariableNotText { name: name.clone() });
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn dify_model<T: DeserializeOwned>(value: Value) -> Result<T, CallFailure> {
    serde_json::from_value(value)
        .map_err(|error| CallFailure::DifyRefuses { reason: without_place(&error.to_string()) })
}

fn refused_by_daemon(reason: &str) -> CallFailure {
    CallFailure::DaemonRefuses { reason: without_place(reason) }
}

pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, CallFailure> {
    STANDARD.decode(text).map_err(|error| CallFailure::NotBase64 { reason: error.to_string() })
}

/// The place in the line means nothing to whoever reads the message.
pub(crate) fn without_place(reason: &str) -> String {
    reason.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
