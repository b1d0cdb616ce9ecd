//! Who there is: `/users` of ComfyUI's `app/user_manager.py`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::answer;
use crate::application::Application;
use crate::body::read_json;
use crate::user_data::DEFAULT_USER;

pub(super) async fn all(State(application): State<Arc<Application>>) -> Response {
    let data = &application.user_data;
    if data.is_multi_user() {
        answer::ok(&json!({"storage": "server", "users": data.users()}))
    } else {
        answer::ok(&json!({"storage": "server", "migrated": data.has_any(DEFAULT_USER)}))
    }
}

pub(super) async fn add(State(application): State<Arc<Application>>, body: Body) -> Response {
    let body = match read_json(body).await {
        Ok(body) => body,
        Err(bad) => return bad.into_response(),
    };
    let Some(name) = body.get("username").and_then(serde_json::Value::as_str) else { return answer::crash() };
    match application.user_data.add_user(name) {
        Ok(id) => answer::ok(&json!(id)),
        Err(bad) => answer::json(StatusCode::BAD_REQUEST, &json!({"error": bad.message()})),
    }
}
