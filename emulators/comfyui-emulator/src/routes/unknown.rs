//! What is not there. The real server serves its web page's files below `/`, so that every path
//! can be asked for with GET.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::answer;
use crate::faults::without_api;

/// The paths that take POST; a wrong method is told so.
const POST_PATHS: [&str; 8] =
    ["/prompt", "/queue", "/interrupt", "/free", "/history", "/upload/image", "/upload/mask", "/jobs/cancel"];

/// A path that no route has.
pub(super) async fn path(request: Request) -> Response {
    no_route(request.method())
}

/// What is answered where there is no route.
pub(super) fn no_route(method: &Method) -> Response {
    if is_read(method) { missing_file() } else { wrong_method("GET,HEAD") }
}

/// A route that does not take this method.
pub(super) async fn method(request: Request) -> Response {
    if is_read(request.method()) {
        return missing_file();
    }
    let path = without_api(request.uri().path());
    let posts = POST_PATHS.contains(&path) || (path.starts_with("/jobs/") && path.ends_with("/cancel"));
    wrong_method(if posts { "GET,HEAD,POST" } else { "GET,HEAD" })
}

/// Takes away the `Allow` that axum adds where a method has no handler; aiohttp only sends it
/// with 405.
pub(super) async fn without_stray_allow(mut response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().remove(ALLOW);
    }
    response
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// 404 with an empty body of unknown length.
pub(super) fn missing_file() -> Response {
    let kind = HeaderValue::from_static("application/octet-stream");
    let body = Body::from_stream(stream::empty::<Result<Vec<u8>, std::io::Error>>());
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, kind)], body).into_response()
}

fn wrong_method(allowed: &'static str) -> Response {
    let mut response = answer::text(StatusCode::METHOD_NOT_ALLOWED, "405: Method Not Allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
