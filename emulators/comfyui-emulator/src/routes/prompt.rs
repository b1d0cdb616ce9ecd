//! Submitting a prompt: `post_prompt` of ComfyUI's `server.py`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Number, Value, json};
use uuid::Uuid;

use crate::answer;
use crate::application::Application;
use crate::body::{self, BadBody};
use crate::clock::milliseconds;
use crate::queue::{PromptNumber, QueueFull, QueueItem};
use crate::validation::{Refusal, error, validate_prompt};

/// These never show up again.
const SECRETS: [&str; 2] = ["auth_token_comfy_org", "api_key_comfy_org"];

pub(super) async fn remaining(State(application): State<Arc<Application>>) -> Response {
    let remaining = application.queue.remaining();
    answer::ok(&json!({"exec_info": {"queue_remaining": remaining}}))
}

pub(super) async fn submit(
    State(application): State<Arc<Application>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, BadBody> {
    let request = body::read_json(body).await?;
    Ok(match accept(&application, &headers, request) {
        Ok(accepted) => answer::ok(&accepted),
        Err(Rejected::Refused(refused)) => answer::json(StatusCode::BAD_REQUEST, &refused),
        Err(Rejected::Crash) => answer::crash(),
        Err(Rejected::Full) => answer::text(StatusCode::SERVICE_UNAVAILABLE, "The queue of the emulator is full."),
    })
}

enum Rejected {
    Refused(Value),
    /// A Python exception on the real server.
    Crash,
    Full,
}

impl From<Refusal> for Rejected {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(body) => Self::Refused(body),
            Refusal::Crash => Self::Crash,
        }
    }
}

impl From<QueueFull> for Rejected {
    fn from(_: QueueFull) -> Self {
        Self::Full
    }
}

fn accept(application: &Application, headers: &HeaderMap, json: Value) -> Result<Value, Rejected> {
    let mut request = match json {
        Value::Object(request) => request,
        // Python finds no "prompt" in a list or a text, and fails to look into anything else.
        Value::Array(_) | Value::String(_) => Map::new(),
        _ => return Err(Rejected::Crash),
    };
    let number = number(application, &request)?;
    let Some(prompt) = request.remove("prompt") else {
        return Err(refused("no_prompt", "No prompt provided", "No prompt provided"));
    };
    let prompt_id = prompt_id(request.get("prompt_id"))?;
    let Value::Object(mut prompt) = prompt else { return Err(Rejected::Crash) };
    let validated = validate_prompt(
        &mut prompt,
        request.get("partial_execution_targets"),
        &application.registry,
        application.files(),
    );
    let extra_data = extra_data(&mut request, headers)?;
    let validated = validated?;
    let answer = json!({
        "prompt_id": prompt_id,
        "number": number.0,
        "node_errors": validated.node_errors,
    });
    let outputs = validated.outputs;
    application.queue.put(QueueItem { number, prompt_id, prompt, extra_data, outputs })?;
    Ok(answer)
}

fn refused(kind: &str, message: &str, details: &str) -> Rejected {
    let error = error(kind, message, details, json!({}));
    Rejected::Refused(json!({"error": error, "node_errors": {}}))
}

/// The number that was asked for, as a float, or the next one; every submission without one
/// counts, also those that are refused.
fn number(application: &Application, request: &Map<String, Value>) -> Result<PromptNumber, Rejected> {
    let Some(number) = request.get("number") else {
        let number = application.take_number();
        let front = request
            .get("front")
            .is_some_and(|front| !matches!(front, Value::Null | Value::Bool(false)) && *front != json!(0));
        return Ok(PromptNumber(if front { -number } else { number }.into()));
    };
    let float = match number {
        Value::Number(number) => number.as_f64(),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    float.and_then(Number::from_f64).map(PromptNumber).ok_or(Rejected::Crash)
}

fn prompt_id(given: Option<&Value>) -> Result<String, Rejected> {
    match given {
        None | Some(Value::Null) => Ok(Uuid::new_v4().to_string()),
        Some(Value::String(text)) if is_canonical(text) => Ok(text.clone()),
        Some(_) => Err(refused(
            "invalid_prompt_id",
            "prompt_id must be a valid UUID",
            "prompt_id must be a UUID string in canonical lowercase hyphenated form; omit it to \
             let the server generate one",
        )),
    }
}

/// Whether this is a UUID in lower case and with hyphens.
pub(super) fn is_canonical(text: &str) -> bool {
    Uuid::parse_str(text).is_ok_and(|uuid| uuid.to_string() == text)
}

fn extra_data(request: &mut Map<String, Value>, headers: &HeaderMap) -> Result<Map<String, Value>, Rejected> {
    let mut extra_data = match request.remove("extra_data") {
        None => Map::new(),
        Some(Value::Object(extra_data)) => extra_data,
        Some(_) => return Err(Rejected::Crash),
    };
    if let Some(client_id) = request.remove("client_id") {
        extra_data.insert("client_id".to_owned(), client_id);
    }
    let source = headers.get("comfy-usage-source").and_then(|value| value.to_str().ok());
    if let Some(source) = source.filter(|source| !source.is_empty())
        && !extra_data.contains_key("comfy_usage_source")
    {
        extra_data.insert("comfy_usage_source".to_owned(), Value::from(source));
    }
    for secret in SECRETS {
        extra_data.shift_remove(secret);
    }
    extra_data.insert("create_time".to_owned(), Value::from(milliseconds()));
    Ok(extra_data)
}
