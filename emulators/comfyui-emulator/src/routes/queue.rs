//! The queue, and stopping what runs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::answer;
use crate::application::Application;
use crate::body::{self, BadBody};

pub(super) async fn show(State(application): State<Arc<Application>>) -> Response {
    let (running, pending) = application.queue.snapshot();
    let running: Vec<Value> = running.iter().map(|item| item.to_json()).collect();
    let pending: Vec<Value> = pending.iter().map(|item| item.to_json()).collect();
    answer::ok(&json!({"queue_running": running, "queue_pending": pending}))
}

pub(super) async fn change(State(application): State<Arc<Application>>, body: Body) -> Result<Response, BadBody> {
    let request = body::read_json(body).await?;
    Ok(change_list(
        &request,
        || application.queue.clear(),
        |id| {
            application.queue.delete(id);
        },
    ))
}

/// `{"clear": true}` and `{"delete": [ids]}`, for the queue and for the history.
pub(super) fn change_list(request: &Value, clear: impl FnOnce(), mut delete: impl FnMut(&Value)) -> Response {
    let Value::Object(request) = request else {
        // Python looks for a word in a list or text in vain, and cannot look into the rest.
        let in_vain = request.is_array() || request.is_string();
        return if in_vain { answer::empty(StatusCode::OK) } else { answer::crash() };
    };
    let cleared = request.get("clear");
    if cleared.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
        clear();
    }
    match request.get("delete") {
        None | Some(Value::String(_) | Value::Object(_)) => {}
        Some(Value::Array(ids)) => ids.iter().for_each(&mut delete),
        Some(_) => return answer::crash(),
    }
    answer::empty(StatusCode::OK)
}

pub(super) async fn interrupt(State(application): State<Arc<Application>>, body: Body) -> Result<Response, BadBody> {
    let bytes = body::read(body).await?;
    let request = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}));
    let Value::Object(request) = request else { return Ok(answer::crash()) };
    match request.get("prompt_id") {
        None | Some(Value::Null | Value::Bool(false)) => application.queue.interrupt(),
        Some(Value::String(id)) if id.is_empty() => application.queue.interrupt(),
        Some(prompt_id) => {
            application.queue.interrupt_if_running(prompt_id);
        }
    }
    Ok(answer::empty(StatusCode::OK))
}

pub(super) async fn free(State(application): State<Arc<Application>>, body: Body) -> Result<Response, BadBody> {
    let Value::Object(request) = body::read_json(body).await? else { return Ok(answer::crash()) };
    if request.get("free_memory") == Some(&Value::Bool(true)) {
        application.request_free_memory();
    }
    Ok(answer::empty(StatusCode::OK))
}
