//! The shapes of ComfyUI's answers.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::application::MAX_BODY;
use crate::json_text::to_text;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A JSON body as aiohttp's `json_response` writes it.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    (status, [(CONTENT_TYPE, kind)], to_text(body)).into_response()
}

/// A JSON body with 200.
pub(crate) fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// No body and no type.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A text body.
pub(crate) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], body.into()).into_response()
}

/// What aiohttp answers when a handler raised.
pub(crate) fn crash() -> Response {
    let body = "500 Internal Server Error\n\nServer got itself in trouble";
    let mut response = text(StatusCode::INTERNAL_SERVER_ERROR, body);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// What aiohttp answers to a body that is too long.
pub(crate) fn too_large() -> Response {
    let body = format!("Maximum request body size {MAX_BODY} exceeded.");
    text(StatusCode::PAYLOAD_TOO_LARGE, body)
}
