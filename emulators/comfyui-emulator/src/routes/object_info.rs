//! The node classes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value};

use crate::answer;
use crate::application::Application;

pub(super) async fn all(State(application): State<Arc<Application>>) -> Response {
    answer::ok(&Value::Object(application.registry.object_info(&application.files())))
}

/// An unknown class is an empty object and no error.
pub(super) async fn one(State(application): State<Arc<Application>>, Path(class_type): Path<String>) -> Response {
    let definition = application.registry.definition(&class_type, &application.files());
    let found: Map<String, Value> =
        definition.map(|definition| (class_type, definition.object_info())).into_iter().collect();
    answer::ok(&Value::Object(found))
}
