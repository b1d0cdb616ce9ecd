//! What has run.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};

use super::queue::change_list;
use crate::answer;
use crate::application::Application;
use crate::body::{self, BadBody};
use crate::query::Query;

pub(super) async fn page(State(application): State<Arc<Application>>, query: Query) -> Response {
    let number = |name| query.get(name).map(|text| text.trim().parse::<i64>()).transpose();
    let (Ok(max_items), Ok(offset)) = (number("max_items"), number("offset")) else {
        return answer::crash();
    };
    let page = application.queue.with_history(|history| history.page(max_items, offset.unwrap_or(-1)));
    answer::ok(&Value::Object(page))
}

/// An unknown prompt, or one that has not run yet, is an empty object and no error.
pub(super) async fn one(State(application): State<Arc<Application>>, Path(prompt_id): Path<String>) -> Response {
    let entry = application.queue.with_history(|history| history.get(&prompt_id).map(|entry| entry.to_json()));
    let found: Map<String, Value> = entry.map(|entry| (prompt_id, entry)).into_iter().collect();
    answer::ok(&Value::Object(found))
}

pub(super) async fn change(State(application): State<Arc<Application>>, body: Body) -> Result<Response, BadBody> {
    let request = body::read_json(body).await?;
    Ok(change_list(
        &request,
        || application.queue.with_history(|history| history.clear()),
        |id| {
            if let Some(id) = id.as_str() {
                application.queue.with_history(|history| history.delete(id));
            }
        },
    ))
}
