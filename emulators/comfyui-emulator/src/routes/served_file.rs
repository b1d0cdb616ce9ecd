//! A file as aiohttp's `FileResponse` sends it, whole.

use std::time::SystemTime;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::view::{etag, is_active, with_headers};

/// `path` tells its type. One of a user is only given for download.
pub(super) fn served(path: &str, bytes: &Bytes, modified: SystemTime, is_of_user: bool) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind =
        if is_of_user && is_active(kind.essence_str()) { "application/octet-stream" } else { kind.essence_str() };
    let mut headers: Vec<(HeaderName, String)> = vec![
        (CONTENT_TYPE, kind.to_owned()),
        (ETAG, etag(bytes, modified)),
        (LAST_MODIFIED, httpdate::fmt_http_date(modified)),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ];
    if is_of_user {
        headers.push((X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()));
        headers.push((CONTENT_DISPOSITION, "attachment".to_owned()));
    }
    // `middleware/cache_middleware.py`.
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.starts_with("index") && name.ends_with(".json") {
        headers.push((CACHE_CONTROL, "no-store".to_owned()));
    }
    with_headers(StatusCode::OK, Body::from(bytes.clone()), headers)
}
