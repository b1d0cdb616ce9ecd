//! The readers of ComfyUI's answers that are private, for the fuzz targets. Behind the feature `fuzzing`.

use serde_json::Value;

use crate::error::{RawRejection, excerpt_of_body};
use crate::record::RawHistory;
use crate::{Queue, Record, Rejection, Workflow, python_json};

/// JSON as Python writes it.
///
/// # Errors
/// When it is none.
pub fn python_json(body: &[u8]) -> serde_json::Result<Value> {
    python_json::from_slice(body)
}

/// The body of `GET /history/{id}`, and the longest traceback in it.
///
/// # Errors
/// When it is none.
pub fn history(body: &[u8]) -> serde_json::Result<(Vec<Record>, usize)> {
    let history: RawHistory = python_json::from_slice(body)?;
    let traceback = history.values().filter_map(crate::record::RawRecord::traceback).map(|text| text.len()).max();
    Ok((history.into_values().map(Record::from).collect(), traceback.unwrap_or_default()))
}

/// The body of `GET /queue`.
///
/// # Errors
/// When it is none.
pub fn queue(body: &[u8]) -> serde_json::Result<Queue> {
    python_json::from_slice(body)
}

/// The body of a `POST /prompt` that was answered 400.
///
/// # Errors
/// When it is none.
pub fn rejection(body: &[u8], workflow: &Workflow) -> serde_json::Result<Rejection> {
    python_json::from_slice::<RawRejection>(body).map(|raw| raw.read(workflow))
}

/// What an error says of a body.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    excerpt_of_body(body)
}

/// The name under which a file called `name` is uploaded.
#[must_use]
pub fn upload_name(name: &str) -> String {
    crate::client::upload_name(name)
}
