//! The settings of a user's editor: `app/app_settings.py` of ComfyUI.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::user_data::user_of;
use crate::answer;
use crate::application::Application;
use crate::body::read_json;

/// Where they are among the user's files.
const FILE: &str = "comfy.settings.json";

pub(super) async fn all(State(application): State<Arc<Application>>, headers: HeaderMap) -> Response {
    match load(&application, &headers) {
        Some((_, settings)) => answer::ok(&Value::Object(settings)),
        None => unauthorized(),
    }
}

pub(super) async fn one(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match load(&application, &headers) {
        Some((_, settings)) => answer::ok(settings.get(&id).unwrap_or(&Value::Null)),
        None => unauthorized(),
    }
}

pub(super) async fn change(State(application): State<Arc<Application>>, headers: HeaderMap, body: Body) -> Response {
    let Some((user, mut settings)) = load(&application, &headers) else { return unauthorized() };
    match read_json(body).await {
        Ok(Value::Object(new)) => settings.extend(new),
        Ok(_) => return answer::crash(),
        Err(bad) => return bad.into_response(),
    }
    save(&application, &user, settings)
}

pub(super) async fn change_one(
    State(application): State<Arc<Application>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some((user, mut settings)) = load(&application, &headers) else { return unauthorized() };
    match read_json(body).await {
        Ok(value) => settings.insert(id, value),
        Err(bad) => return bad.into_response(),
    };
    save(&application, &user, settings)
}

/// The user and their settings, if the user is known.
fn load(application: &Application, headers: &HeaderMap) -> Option<(String, Map<String, Value>)> {
    let user = user_of(application, headers)?;
    application.user_data.make_parents(&user, FILE);
    let file = application.user_data.read(&user, FILE);
    let settings = file.and_then(|file| serde_json::from_slice(&file.bytes).ok()).unwrap_or_default();
    Some((user, settings))
}

fn unauthorized() -> Response {
    answer::text(StatusCode::UNAUTHORIZED, "401: Unauthorized")
}

fn save(application: &Application, user: &str, settings: Map<String, Value>) -> Response {
    // Python writes them with an indent of four.
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    let is_written = serde::Serialize::serialize(&settings, &mut serializer).is_ok();
    if !is_written || !application.user_data.write(user, FILE, text.into()) {
        return answer::crash();
    }
    answer::empty(StatusCode::OK)
}
