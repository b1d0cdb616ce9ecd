//! One prompt as `/api/jobs` shows it: `comfy_execution/jobs.py` of ComfyUI.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::application::Application;
use crate::history::HistoryEntry;
use crate::queue::QueueItem;

/// A text preview is cut after this many characters.
const MAX_TEXT_PREVIEW: usize = 1024;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub(crate) const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A job.
#[derive(Debug)]
pub(crate) enum Job {
    Queued { item: Arc<QueueItem>, status: Status },
    Done(HistoryEntry),
}

impl Job {
    /// What runs, what waits, what has run.
    pub(crate) fn all(application: &Application) -> Vec<Self> {
        let (running, pending) = application.queue.snapshot();
        let running = running.map(|item| Self::Queued { item, status: Status::InProgress });
        let pending = pending.into_iter().map(|item| Self::Queued { item, status: Status::Pending });
        let mut jobs: Vec<Self> = running.into_iter().chain(pending).collect();
        application.queue.with_history(|history| {
            jobs.extend(history.entries().cloned().map(Self::Done));
        });
        jobs
    }

    pub(crate) fn find(application: &Application, job_id: &str) -> Option<Self> {
        let done = application.queue.with_history(|history| history.get(job_id).cloned());
        if let Some(entry) = done {
            return Some(Self::Done(entry));
        }
        let (running, pending) = application.queue.snapshot();
        if let Some(item) = running.filter(|item| item.prompt_id == job_id) {
            return Some(Self::Queued { item, status: Status::InProgress });
        }
        let item = pending.into_iter().find(|item| item.prompt_id == job_id)?;
        Some(Self::Queued { item, status: Status::Pending })
    }

    fn item(&self) -> &QueueItem {
        match self {
            Self::Queued { item, .. } => item,
            Self::Done(entry) => &entry.item,
        }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Queued { status, .. } => *status,
            Self::Done(entry) if entry.success => Status::Completed,
            Self::Done(entry) if message(entry, "execution_interrupted").is_some() => Status::Cancelled,
            Self::Done(_) => Status::Failed,
        }
    }

    pub(crate) fn workflow_id(&self) -> Option<&Value> {
        self.item().extra_data.get("extra_pnginfo")?.get("workflow")?.get("id")
    }

    pub(crate) fn create_time(&self) -> u64 {
        self.item().extra_data.get("create_time").and_then(Value::as_u64).unwrap_or_default()
    }

    /// How long it ran, in milliseconds; 0 if it has not.
    pub(crate) fn duration(&self) -> u64 {
        let Self::Done(entry) = self else { return 0 };
        match (start_time(entry), end_time(entry)) {
            (Some(start), Some(end)) => end.saturating_sub(start),
            _ => 0,
        }
    }

    /// The job in a list.
    pub(crate) fn summary(&self) -> Map<String, Value> {
        let item = self.item();
        let mut job = Map::new();
        let mut add = |key: &str, value: Option<Value>| {
            if let Some(value) = value.filter(|value| !value.is_null()) {
                job.insert(key.to_owned(), value);
            }
        };
        add("id", Some(json!(item.prompt_id)));
        add("status", Some(json!(self.status().name())));
        add("priority", Some(json!(item.number.0)));
        add("create_time", item.extra_data.get("create_time").cloned());
        let (outputs, previewable, preview) = match self {
            Self::Queued { .. } => (0, 0, None),
            Self::Done(entry) => {
                add("execution_start_time", start_time(entry).map(Value::from));
                add("execution_end_time", end_time(entry).map(Value::from));
                add("execution_error", message(entry, "execution_error").cloned());
                count_outputs(&entry.outputs)
            }
        };
        add("outputs_count", Some(json!(outputs)));
        add("previewable_outputs_count", Some(json!(previewable)));
        add("preview_output", preview.map(Value::Object));
        add("workflow_id", self.workflow_id().cloned());
        job
    }

    /// The job alone, with its outputs.
    pub(crate) fn details(&self) -> Map<String, Value> {
        let mut job = self.summary();
        if let Self::Done(entry) = self {
            job.insert("outputs".to_owned(), json!(entry.outputs));
            job.insert("execution_status".to_owned(), entry.status());
            let workflow = json!({"prompt": entry.item.prompt, "extra_data": entry.item.extra_data});
            job.insert("workflow".to_owned(), workflow);
        }
        job
    }
}

fn message<'a>(entry: &'a HistoryEntry, event: &str) -> Option<&'a Value> {
    entry.messages.iter().find(|message| message[0] == event).map(|message| &message[1])
}

fn start_time(entry: &HistoryEntry) -> Option<u64> {
    message(entry, "execution_start")?.get("timestamp")?.as_u64()
}

fn end_time(entry: &HistoryEntry) -> Option<u64> {
    ["execution_success", "execution_error", "execution_interrupted"]
        .iter()
        .find_map(|event| message(entry, event))?
        .get("timestamp")?
        .as_u64()
}

/// How many files there are, how many of them can be shown, and the one that is shown: a saved
/// one before a temporary one before a text.
fn count_outputs(outputs: &Map<String, Value>) -> (usize, usize, Option<Map<String, Value>>) {
    let (mut count, mut previewable) = (0, 0);
    let (mut saved, mut temporary, mut text) = (None, None, None);
    for (node_id, kinds) in outputs {
        for (kind, items) in kinds.as_object().into_iter().flatten() {
            let Some(items) = items.as_array().filter(|_| kind != "animated") else { continue };
            for item in items {
                let shown = |mut item: Map<String, Value>| {
                    item.insert("nodeId".to_owned(), json!(node_id));
                    item.insert("mediaType".to_owned(), json!(kind));
                    item
                };
                match item {
                    Value::Object(item) => {
                        count += 1;
                        if !["images", "video", "audio", "3d", "text"].contains(&kind.as_str()) {
                            continue;
                        }
                        previewable += 1;
                        if item.get("type") == Some(&json!("output")) {
                            saved.get_or_insert_with(|| shown(item.clone()));
                        } else {
                            temporary.get_or_insert_with(|| shown(item.clone()));
                        }
                    }
                    Value::String(content) if kind == "text" => {
                        text.get_or_insert_with(|| shown(text_preview(content)));
                    }
                    _ => {}
                }
            }
        }
    }
    (count, previewable, saved.or(temporary).or(text))
}

fn text_preview(content: &str) -> Map<String, Value> {
    let cut: String = content.chars().take(MAX_TEXT_PREVIEW).collect();
    let mut preview = Map::new();
    let truncated = cut.len() < content.len();
    preview.insert("content".to_owned(), Value::from(cut));
    if truncated {
        preview.insert("truncated".to_owned(), Value::from(true));
    }
    preview
}
