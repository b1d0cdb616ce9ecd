//! Jobs: prompts that wait, run or have run, in one shape. `comfy_execution/jobs.py` of ComfyUI.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::prompt::is_canonical;
use crate::answer;
use crate::application::Application;
use crate::body::{self, BadBody};
use crate::job::{Job, Status};
use crate::query::Query;

fn wrong(message: &str) -> Response {
    answer::json(StatusCode::BAD_REQUEST, &json!({"error": message}))
}

pub(super) async fn page(State(application): State<Arc<Application>>, query: Query) -> Response {
    match page_of(&application, &query) {
        Ok(page) => answer::ok(&page),
        Err(message) => wrong(&message),
    }
}

fn page_of(application: &Application, query: &Query) -> Result<Value, String> {
    let statuses = statuses(query.get("status").unwrap_or_default())?;
    let by_duration = match query.get("sort_by").map(str::to_lowercase).as_deref() {
        None | Some("created_at") => false,
        Some("execution_duration") => true,
        Some(_) => return Err("sort_by must be 'created_at' or 'execution_duration'".to_owned()),
    };
    let ascending = match query.get("sort_order").map(str::to_lowercase).as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return Err("sort_order must be 'asc' or 'desc'".to_owned()),
    };
    let number = |name: &str| {
        let number = query.get(name).map(|text| text.trim().parse::<i64>()).transpose();
        number.map_err(|_| format!("{name} must be an integer"))
    };
    let limit = number("limit")?;
    if limit.is_some_and(|limit| limit <= 0) {
        return Err("limit must be a positive integer".to_owned());
    }
    let offset = number("offset")?.unwrap_or(0).max(0);

    let mut jobs = Job::all(application);
    jobs.retain(|job| statuses.contains(&job.status()));
    if let Some(id) = query.get("workflow_id").filter(|id| !id.is_empty()) {
        jobs.retain(|job| job.workflow_id() == Some(&Value::from(id)));
    }
    // Sorting keeps the order of equals, also from high to low.
    let key = |job: &Job| if by_duration { job.duration() } else { job.create_time() };
    if ascending {
        jobs.sort_by_key(key);
    } else {
        jobs.sort_by_key(|job| std::cmp::Reverse(key(job)));
    }
    let total = jobs.len();
    let first = usize::try_from(offset).unwrap_or(usize::MAX);
    let most = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let jobs: Vec<Value> = jobs.iter().skip(first).take(most).map(|job| Value::Object(job.summary())).collect();
    let has_more = first.saturating_add(jobs.len()) < total;
    Ok(json!({
        "jobs": jobs,
        "pagination": {"offset": offset, "limit": limit, "total": total, "has_more": has_more},
    }))
}

fn statuses(text: &str) -> Result<Vec<Status>, String> {
    if text.is_empty() {
        return Ok(Status::ALL.to_vec());
    }
    let names = text.split(',').map(|name| name.trim().to_lowercase()).filter(|n| !n.is_empty());
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        match Status::ALL.into_iter().find(|status| status.name() == name) {
            Some(status) => known.push(status),
            None => unknown.push(name),
        }
    }
    if unknown.is_empty() {
        return Ok(known);
    }
    let valid: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
    Err(format!("Invalid status value(s): {}. Valid values: {}", unknown.join(", "), valid.join(", ")))
}

pub(super) async fn one(State(application): State<Arc<Application>>, Path(job_id): Path<String>) -> Response {
    match Job::find(&application, &job_id) {
        Some(job) => answer::ok(&Value::Object(job.details())),
        None => answer::json(StatusCode::NOT_FOUND, &json!({"error": "Job not found"})),
    }
}

pub(super) async fn cancel(State(application): State<Arc<Application>>, Path(job_id): Path<String>) -> Response {
    answer::ok(&json!({"cancelled": cancel_job(&application, &Value::from(job_id))}))
}

/// What runs is interrupted, what waits is forgotten; whether there was anything.
fn cancel_job(application: &Application, job_id: &Value) -> bool {
    application.queue.interrupt_if_running(job_id)
        || application.queue.delete(job_id)
        // It may have started between the two.
        || application.queue.interrupt_if_running(job_id)
}

pub(super) async fn cancel_many(State(application): State<Arc<Application>>, body: Body) -> Result<Response, BadBody> {
    let bytes = body::read(body).await?;
    let Ok(request) = serde_json::from_slice::<Value>(&bytes) else {
        return Ok(wrong("Request body must be valid JSON"));
    };
    let Some(Value::Array(ids)) = request.get("job_ids") else {
        return Ok(wrong("job_ids must be a list"));
    };
    let invalid: Vec<String> = ids
        .iter()
        .filter(|id| !id.as_str().is_some_and(is_canonical))
        .map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
        .collect();
    if !invalid.is_empty() {
        let body = json!({"error": "job_ids contains invalid id(s)", "invalid_ids": invalid});
        return Ok(answer::json(StatusCode::BAD_REQUEST, &body));
    }
    let mut cancelled = false;
    for id in ids {
        cancelled |= cancel_job(&application, id);
    }
    Ok(answer::ok(&json!({"cancelled": cancelled})))
}
