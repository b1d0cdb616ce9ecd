//! The run, the frames and the errors against conversations recorded from real servers, which lie beside the repository
//! where the project is developed: `../shared/comfyui-transcripts` from the workspace root.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::RawRejection;
use crate::python_json::{from_slice, without_bare_floats};
use crate::record::RawHistory;
use crate::{Ending, Event, Hint, Record, Run, Sighting, Update, Verdict, Workflow};

pub(super) fn transcripts() -> Vec<(String, String)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/comfyui-transcripts");
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.to_owned(), fs::read_to_string(&path).ok()?))
        })
        .filter(|(name, _)| name.ends_with(".txt"))
        .collect();
    found.sort();
    found
}

/// The JSON of a text frame: `[  0.0123] WS(name) TEXT {…}`.
pub(super) fn frame(line: &str) -> Option<&str> {
    let (_, rest) = line.strip_prefix('[')?.split_once("] WS")?;
    rest.split_once(" TEXT ").map(|(_, json)| json).filter(|json| json.starts_with('{'))
}

/// The records in a transcript by prompt id, as far as the recorder did not cut them.
pub(super) fn records(text: &str) -> HashMap<String, Record> {
    let bodies = text
        .lines()
        .filter(|line| line.starts_with("{\"") && line.contains("\"outputs\"") && line.contains("\"prompt\": ["));
    let parsed = bodies.filter_map(|line| from_slice::<RawHistory>(line.as_bytes()).ok());
    parsed.flatten().map(|(id, raw)| (id, raw.into())).collect()
}

#[test]
fn recorded_conversations_are_understood() {
    let transcripts = transcripts();
    if transcripts.is_empty() {
        eprintln!("skipped: ../shared is not here");
        return;
    }
    let mut judged = 0;
    let mut followed = 0;
    for (name, text) in &transcripts {
        for json in text.lines().filter_map(frame) {
            // The recorder cuts long frames; those are no JSON.
            if from_slice::<Value>(json.as_bytes()).is_ok() {
                Event::from_text(json).unwrap_or_else(|error| panic!("{name}: {error}: {json}"));
            }
        }
        let records = records(text);
        judged += jobs_agree(name, text, &records);
        followed += runs_end_as_recorded(name, text, &records);
    }
    assert!(judged >= 5 && followed >= 20, "{judged} verdicts compared, {followed} runs followed");
}

/// The verdict must be the one that the server itself gives in `/api/jobs`, but for the run that it gets wrong.
fn jobs_agree(name: &str, text: &str, records: &HashMap<String, Record>) -> usize {
    let mut compared = 0;
    // The recorder cut many of these answers, but not their beginnings.
    for line in text.lines() {
        let Some((id, rest)) = line.strip_prefix("{\"id\": \"").and_then(|rest| rest.split_once("\", \"status\": \""))
        else {
            continue;
        };
        let (Some(record), Some((status, _))) = (records.get(id), rest.split_once('"')) else { continue };
        if matches!(status, "pending" | "in_progress") {
            continue;
        }
        let ours = match &record.verdict {
            Verdict::Succeeded => "completed",
            Verdict::Failed(failure) if failure.exception_type == "graph.DependencyCycleError" => "completed",
            Verdict::Failed(_) => "failed",
            Verdict::Interrupted { .. } => "cancelled",
        };
        assert_eq!(status, ours, "{name}: {record:?}");
        compared += 1;
    }
    compared
}

/// Every frame of the transcript goes into a run of each recorded prompt: the foreign ones must not matter.
fn runs_end_as_recorded(name: &str, text: &str, records: &HashMap<String, Record>) -> usize {
    let workflow = Workflow::parse(r#"{"1": {"class_type": "EmptyImage"}}"#).unwrap();
    let mut followed = 0;
    for (id, record) in records {
        let mut run = Run::new(id, &workflow);
        run.submitted(id);
        let (mut over, mut started) = (0, 0);
        for event in text.lines().filter_map(frame).filter_map(|json| Event::from_text(json).ok()) {
            let (updates, hint) = run.apply(event);
            over += u32::from(hint == Hint::Over);
            started += updates.iter().filter(|update| matches!(update, Update::Started)).count();
        }
        assert!(run.ending().is_none() && started <= 1, "{name} {id}");
        if over > 0 {
            assert!(started == 1, "{name} {id}");
            followed += 1;
        }
        run.apply_sighting(Sighting::Recorded(Box::new(record.clone())));
        assert!(matches!(run.ending(), Some(Ending::Recorded(_))), "{name} {id}");
    }
    followed
}

#[test]
fn recorded_rejections_name_what_is_wrong() {
    let transcripts = transcripts();
    if transcripts.is_empty() {
        eprintln!("skipped: ../shared is not here");
        return;
    }
    let workflow = Workflow::parse(r#"{"77": {"class_type": "EmptyImage"}}"#).unwrap();
    let mut seen = 0;
    for (name, text) in &transcripts {
        for line in text.lines().filter(|line| line.starts_with("{\"error\": {\"type\"")) {
            let json = without_bare_floats(line.as_bytes());
            let Ok(raw) = serde_json::from_slice::<RawRejection>(&json) else { continue };
            assert!(raw.is_one(), "{name}: {line}");
            let rejection = raw.read(&workflow);
            let said = rejection.to_string();
            assert!(said.len() > "ComfyUI refused the workflow: ".len() + 10, "{name}: {said}");
            assert!(!said.contains("traceback") && !said.contains("File \""), "{name}: {said}");
            for error in &rejection.node_errors {
                assert!(said.contains(&format!("node {}", error.node.id)), "{name}: {said}");
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} rejections");
}
