//! The model files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::answer;
use crate::application::Application;
use crate::models::FOLDERS;

pub(super) async fn folders() -> Response {
    answer::ok(&json!(FOLDERS))
}

pub(super) async fn folder(State(application): State<Arc<Application>>, Path(folder): Path<String>) -> Response {
    if FOLDERS.contains(&folder.as_str()) {
        answer::ok(&json!(application.storage.models.in_folder(&folder)))
    } else {
        answer::empty(StatusCode::NOT_FOUND)
    }
}

/// Without their extensions.
pub(super) async fn embeddings(State(application): State<Arc<Application>>) -> Response {
    let names = application.storage.models.in_folder("embeddings");
    let stem = |name: &String| name.rsplit_once('.').map_or_else(|| name.clone(), |(stem, _)| stem.to_owned());
    answer::ok(&names.iter().map(stem).collect())
}
