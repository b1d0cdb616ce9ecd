//! The files of users: `/userdata` and `/v2/userdata` of ComfyUI's `app/user_manager.py`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::served_file::served;
use super::unknown;
use crate::answer;
use crate::application::Application;
use crate::body;
use crate::query::Query;
use crate::user_data::{UserFile, path_of, unquoted};

/// Whom a request means.
pub(super) fn user_of(application: &Application, headers: &HeaderMap) -> Option<String> {
    let header = headers.get("comfy-user").and_then(|value| value.to_str().ok());
    application.user_data.user(header)
}

/// `GET /userdata?dir=…`: names, lists of the parts of names, or all that is known of the files.
pub(super) async fn list(State(application): State<Arc<Application>>, query: Query, headers: HeaderMap) -> Response {
    let directory = query.get("dir").unwrap_or_default();
    if directory.is_empty() {
        return answer::text(StatusCode::BAD_REQUEST, "Directory not provided");
    }
    let Some(user) = user_of(&application, &headers) else { return answer::crash() };
    let Some(path) = path_of(directory) else {
        return answer::text(StatusCode::FORBIDDEN, "Invalid directory");
    };
    let data = &application.user_data;
    data.make_parents(&user, &path);
    if !data.has_directory(&user, &path) && data.read(&user, &path).is_none() {
        return answer::text(StatusCode::NOT_FOUND, "Directory not found");
    }
    let is_set = |name| query.get(name).is_some_and(|value: &str| value.eq_ignore_ascii_case("true"));
    let (recurse, full_info, split) = (is_set("recurse"), is_set("full_info"), is_set("split"));
    let files = data.files_below(&user, &path);
    let shown = files.into_iter().filter(|(path, _)| {
        // Python's `glob` passes over names with a dot in front.
        (recurse || !path.contains('/')) && !path.split('/').any(|part| part.starts_with('.'))
    });
    let listed = shown.map(|(path, file)| {
        if full_info {
            info(&path, &file)
        } else if split {
            std::iter::once(path.as_str()).chain(path.split('/')).collect()
        } else {
            json!(path)
        }
    });
    answer::ok(&listed.collect())
}

/// `GET /v2/userdata?path=…`: files and folders, all the way down.
pub(super) async fn list_v2(State(application): State<Arc<Application>>, query: Query, headers: HeaderMap) -> Response {
    let data = &application.user_data;
    let requested = unquoted(query.get("path").unwrap_or_default());
    let Some(user) = user_of(&application, &headers) else {
        return answer::text(StatusCode::FORBIDDEN, "Invalid user specified in request");
    };
    let Some(path) = path_of(&requested) else {
        return answer::text(StatusCode::BAD_REQUEST, "Invalid path requested");
    };
    if data.read(&user, &path).is_some() {
        return answer::text(StatusCode::BAD_REQUEST, "Requested path is not a directory");
    }
    if !data.has_directory(&user, &path) {
        return if path.is_empty() {
            answer::ok(&json!([]))
        } else {
            answer::text(StatusCode::NOT_FOUND, "Requested path not found")
        };
    }
    let whole = |inner: &str| if path.is_empty() { inner.to_owned() } else { format!("{path}/{inner}") };
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut directories: Vec<Value> = Vec::new();
    for inner in data.directories_below(&user, &path) {
        directories.push(json!({"name": name(&inner), "path": whole(&inner), "type": "directory"}));
    }
    let mut files: Vec<Value> = Vec::new();
    for (inner, file) in data.files_below(&user, &path) {
        files.push(json!({
            "name": name(&inner),
            "path": whole(&inner),
            "type": "file",
            "size": file.bytes.len(),
            "modified": since_1970(file.modified).as_secs_f64(),
        }));
    }
    for entries in [&mut directories, &mut files] {
        entries.sort_by_key(|entry| entry["name"].as_str().unwrap_or_default().to_lowercase());
    }
    answer::ok(&directories.into_iter().chain(files).collect())
}

/// `GET /userdata/{file}`.
pub(super) async fn read(
    State(application): State<Arc<Application>>,
    Path(file): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !is_segment(&file) {
        return unknown::no_route(&method);
    }
    match found(&application, &headers, &file) {
        Ok((_, path, file)) => served(&path, &file.bytes, file.modified, true),
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /userdata/{file}`.
pub(super) async fn write(
    State(application): State<Arc<Application>>,
    Path(file): Path<String>,
    method: Method,
    query: Query,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !is_segment(&file) {
        return unknown::no_route(&method);
    }
    let (user, path) = match located(&application, &headers, &file) {
        Ok(located) => located,
        Err(refusal) => return refusal.into_response(),
    };
    let data = &application.user_data;
    if query.get("overwrite") == Some("false") && data.read(&user, &path).is_some() {
        return answer::text(StatusCode::CONFLICT, "File already exists");
    }
    let bytes = match body::read(body).await {
        Ok(bytes) => bytes,
        Err(bad) => return bad.into_response(),
    };
    if data.has_directory(&user, &path) || !data.write(&user, &path, bytes) {
        return answer::empty(StatusCode::BAD_REQUEST);
    }
    told(&application, &user, &path, &query)
}

/// `DELETE /userdata/{file}`.
pub(super) async fn delete(
    State(application): State<Arc<Application>>,
    Path(file): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !is_segment(&file) {
        return unknown::no_route(&method);
    }
    match found(&application, &headers, &file) {
        Ok((user, path, _)) => {
            application.user_data.remove(&user, &path);
            answer::empty(StatusCode::NO_CONTENT)
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /userdata/{file}/move/{dest}`.
pub(super) async fn rename(
    State(application): State<Arc<Application>>,
    Path((file, to)): Path<(String, String)>,
    method: Method,
    query: Query,
    headers: HeaderMap,
) -> Response {
    if !is_segment(&file) || !is_segment(&to) {
        return unknown::no_route(&method);
    }
    let (user, path) = match found(&application, &headers, &file) {
        Ok((user, path, _)) => (user, path),
        Err(refusal) => return refusal.into_response(),
    };
    let to = match located(&application, &headers, &to) {
        Ok((_, to)) => to,
        Err(refusal) => return refusal.into_response(),
    };
    let data = &application.user_data;
    if query.get("overwrite") == Some("false") && data.read(&user, &to).is_some() {
        return answer::text(StatusCode::CONFLICT, "File already exists");
    }
    data.rename(&user, &path, &to);
    told(&application, &user, &to, &query)
}

/// Whether aiohttp's router takes it for a part of a path.
fn is_segment(file: &str) -> bool {
    !file.contains(['{', '}'])
}

/// Why a file is not to be had.
enum Refusal {
    /// The user is not known, or the file is a folder: the handler of the real server raises.
    Crash,
    /// It is none of the user's.
    Outside,
    /// There is none.
    Missing,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Crash => answer::crash(),
            Self::Outside => answer::empty(StatusCode::FORBIDDEN),
            Self::Missing => answer::empty(StatusCode::NOT_FOUND),
        }
    }
}

fn located(application: &Application, headers: &HeaderMap, file: &str) -> Result<(String, String), Refusal> {
    let user = user_of(application, headers).ok_or(Refusal::Crash)?;
    let path = path_of(file).ok_or(Refusal::Outside)?;
    application.user_data.make_parents(&user, &path);
    Ok((user, path))
}

fn found(application: &Application, headers: &HeaderMap, file: &str) -> Result<(String, String, UserFile), Refusal> {
    let (user, path) = located(application, headers, file)?;
    if application.user_data.has_directory(&user, &path) {
        // Python can neither read nor remove a folder as a file.
        return Err(Refusal::Crash);
    }
    match application.user_data.read(&user, &path) {
        Some(file) => Ok((user, path, file)),
        None => Err(Refusal::Missing),
    }
}

fn told(application: &Application, user: &str, path: &str, query: &Query) -> Response {
    let is_full = query.get("full_info").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    match application.user_data.read(user, path) {
        Some(file) if is_full => answer::ok(&info(path, &file)),
        _ => answer::ok(&json!(path)),
    }
}

fn info(path: &str, file: &UserFile) -> Value {
    let milliseconds = |time| u64::try_from(since_1970(time).as_millis()).unwrap_or(u64::MAX);
    json!({
        "path": path,
        "size": file.bytes.len(),
        "modified": milliseconds(file.modified),
        "created": milliseconds(file.created),
    })
}

fn since_1970(time: SystemTime) -> std::time::Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}
