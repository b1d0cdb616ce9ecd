//! Workflows to begin with: `/templates`, which there is only without `/api` (`app/frontend_management.py` of ComfyUI),
//! and the examples of custom nodes, whose files there are only with it (`app/custom_node_manager.py`).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::served_file::served;
use super::unknown::missing_file;
use crate::answer;
use crate::application::Application;

pub(super) async fn own(State(application): State<Arc<Application>>, Path(path): Path<String>) -> Response {
    match application.templates.own(&path) {
        Some(bytes) => served(&path, &bytes, application.templates.since, false),
        None => answer::text(StatusCode::NOT_FOUND, "404: Not Found"),
    }
}

pub(super) async fn packs(State(application): State<Arc<Application>>) -> Response {
    answer::ok(&application.templates.packs())
}

pub(super) async fn example(
    State(application): State<Arc<Application>>,
    Path((pack, file)): Path<(String, String)>,
) -> Response {
    match application.templates.example(&pack, &file) {
        Some(bytes) => served(&file, &bytes, application.templates.since, false),
        None => missing_file(),
    }
}
