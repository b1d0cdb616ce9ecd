use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::RawFailure;
use crate::outputs::RawOutputs;
use crate::{ExecutionFailure, NodeLabel, Outputs, Workflow};

/// The most characters of a traceback that are logged.
const MAX_TRACEBACK_CHARS: usize = 20_000;

/// The server's own record of a finished prompt: its entry in `GET /history/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How it ended.
    pub verdict: Verdict,
    /// What the nodes put out, also those that ran before a failure.
    pub outputs: Outputs,
    /// The workflow as it ran, where the server still has it and it can be read.
    pub workflow: Option<Workflow>,
    /// How long it ran, by the server's clock.
    pub ran: Option<Duration>,
}

/// How a prompt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every output that was to run has run, or was cached.
    Succeeded,
    /// A node raised an exception.
    Failed(ExecutionFailure),
    /// Somebody interrupted it.
    Interrupted {
        /// The node that was running or about to run.
        node: Option<NodeLabel>,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawRecord {
    #[serde(default)]
    prompt: Option<Box<RawValue>>,
    #[serde(default)]
    outputs: Option<RawOutputs>,
    #[serde(default)]
    status: Option<RawStatus>,
}

#[derive(Debug, Deserialize)]
struct RawStatus {
    #[serde(default)]
    status_str: Option<String>,
    #[serde(default)]
    messages: Vec<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
struct RawInterruption {
    #[serde(default)]
    node_id: Option<String>,
    #[serde(default)]
    node_type: Option<String>,
}

/// The body of `GET /history/{id}`: empty for a prompt that has not finished.
pub(crate) type RawHistory = HashMap<String, RawRecord>;

impl RawRecord {
    /// The Python traceback of a failure, for the log. It shows code and the exception's message, not the values of the
    /// node's inputs.
    pub(crate) fn traceback(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Traced {
            traceback: Vec<String>,
        }
        let messages = self.status.iter().flat_map(|status| &status.messages).rev();
        messages
            .filter_map(|message| {
                let (kind, data) = serde_json::from_str::<(String, &RawValue)>(message.get()).ok()?;
                let traced: Traced = (kind == "execution_error").then(|| serde_json::from_str(data.get()).ok())??;
                let text: String = traced.traceback.concat().chars().take(MAX_TRACEBACK_CHARS).collect();
                Some(text).filter(|text| !text.is_empty())
            })
            .next()
    }
}

impl From<RawRecord> for Record {
    fn from(raw: RawRecord) -> Self {
        Self {
            workflow: raw.prompt.as_deref().and_then(workflow),
            ran: raw.status.as_ref().and_then(RawStatus::ran),
            verdict: raw.status.map_or(Verdict::Succeeded, RawStatus::verdict),
            outputs: raw.outputs.as_ref().map(Outputs::read).unwrap_or_default(),
        }
    }
}

/// The workflow within `[number, prompt_id, workflow, …]`. What follows it may hold keys, and is not read.
fn workflow(prompt: &RawValue) -> Option<Workflow> {
    let item: Vec<&RawValue> = serde_json::from_str(prompt.get()).ok()?;
    Workflow::parse(item.get(2)?.get()).ok()
}

impl RawStatus {
    /// From the first message to the last, by the server's own clock.
    fn ran(&self) -> Option<Duration> {
        #[derive(Deserialize)]
        struct Stamped {
            timestamp: f64,
        }
        let mut stamps = self.messages.iter().filter_map(|message| {
            let (_, data) = serde_json::from_str::<(&str, &RawValue)>(message.get()).ok()?;
            serde_json::from_str::<Stamped>(data.get()).ok().map(|stamped| stamped.timestamp)
        });
        let first = stamps.next()?;
        let last = stamps.next_back()?;
        Duration::try_from_secs_f64((last - first) / 1000.0).ok()
    }

    /// The last message that speaks of an end decides, and `status_str` only where there is none: it can say `success`
    /// for a run that failed while it was being staged (`execution.py`, `execute_async`: `self.success` keeps the value
    /// of the node before). Messages of blocked branches are no ends.
    fn verdict(self) -> Verdict {
        for message in self.messages.iter().rev() {
            // `[kind, data]`; whatever else a server may put there says nothing about the end.
            let Ok((kind, data)) = serde_json::from_str::<(String, &RawValue)>(message.get()) else { continue };
            match kind.as_str() {
                "execution_success" => return Verdict::Succeeded,
                "execution_error" => {
                    let failure: ExecutionFailure = match serde_json::from_str::<RawFailure>(data.get()) {
                        Ok(raw) => raw.into(),
                        Err(_) => unexplained(),
                    };
                    if !failure.is_blocked_branch() {
                        return Verdict::Failed(failure);
                    }
                }
                "execution_interrupted" => {
                    let raw: RawInterruption = serde_json::from_str(data.get()).unwrap_or_default();
                    let class_type = raw.node_type.unwrap_or_default();
                    let node = raw.node_id.map(|id| NodeLabel { id, title: None, class_type });
                    return Verdict::Interrupted { node };
                }
                _ => {}
            }
        }
        match self.status_str.as_deref() {
            Some("error") => Verdict::Failed(unexplained()),
            _ => Verdict::Succeeded,
        }
    }
}

fn unexplained() -> ExecutionFailure {
    ExecutionFailure {
        node: NodeLabel { id: "?".to_owned(), title: None, class_type: String::new() },
        exception_type: String::new(),
        message: "the server recorded an error without saying which".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: &str) -> Verdict {
        let raw: RawRecord = serde_json::from_str(&format!(r#"{{"outputs": {{}}, "status": {status}}}"#)).unwrap();
        Record::from(raw).verdict
    }

    const ERROR: &str = r#"["execution_error", {"node_id": "2", "node_type": "X", "exception_message": "boom\n", "exception_type": "E"}]"#;

    #[test]
    fn the_last_word_decides_whatever_status_str_says() {
        let ok = verdict(
            r#"{"status_str": "success", "completed": true, "messages": [["execution_start", {}], ["execution_success", {}]]}"#,
        );
        assert_eq!(ok, Verdict::Succeeded);
        let failed = verdict(&format!(
            r#"{{"status_str": "success", "completed": true, "messages": [["execution_start", {{}}], {ERROR}]}}"#
        ));
        assert!(matches!(failed, Verdict::Failed(failure) if failure.message == "boom" && failure.node.id == "2"));
        let interrupted = verdict(
            r#"{"status_str": "error", "completed": false, "messages": [["execution_interrupted", {"node_id": "3", "node_type": "S"}]]}"#,
        );
        assert!(matches!(interrupted, Verdict::Interrupted { node: Some(node) } if node.id == "3"));
    }

    #[test]
    fn a_blocked_branch_is_no_end() {
        let blocked = ERROR.replace(r#""E""#, r#""ExecutionBlocked""#);
        assert_eq!(verdict(&format!(r#"{{"status_str": "success", "messages": [{blocked}]}}"#)), Verdict::Succeeded);
    }

    #[test]
    fn what_is_not_understood_does_not_hide_the_verdict() {
        let failed = verdict(&format!(
            r#"{{"status_str": "success", "messages": [{ERROR}, 7, ["x"], {{"a": 1}}, ["y", null, 3]]}}"#
        ));
        assert!(matches!(failed, Verdict::Failed(_)));
        let odd: RawRecord = serde_json::from_str(
            r#"{"outputs": {"1": null, "2": [1], "3": {"images": [{"filename": "a.png"}]}}, "status": {"status_str": "success"}}"#,
        )
        .unwrap();
        assert_eq!(Record::from(odd).outputs.files.len(), 1);
    }

    #[test]
    fn the_record_knows_the_workflow_and_how_long_it_ran() {
        let raw: RawRecord = serde_json::from_str(
            r#"{"prompt": [3, "p", {"1": {"class_type": "A", "inputs": {}}}, {"api_key": "s3cret"}, ["1"]],
                "status": {"status_str": "success", "messages": [["execution_start", {"timestamp": 1000}],
                    ["execution_cached", {"nodes": []}], ["execution_success", {"timestamp": 3500}]]}}"#,
        )
        .unwrap();
        let record = Record::from(raw);
        assert_eq!(record.ran, Some(Duration::from_millis(2500)));
        assert!(record.workflow.as_ref().unwrap().node("1").is_some());
        assert!(!format!("{record:?}").contains("s3cret"));
    }

    #[test]
    fn a_traceback_is_kept_for_the_log_without_the_inputs() {
        let raw: RawRecord = serde_json::from_str(
            r#"{"status": {"status_str": "error", "messages": [["execution_error", {"node_id": "2",
                "traceback": ["  File \"x.py\", line 1\n", "    boom()\n"], "current_inputs": {"key": ["s3cret"]}}]]}}"#,
        )
        .unwrap();
        assert_eq!(raw.traceback().unwrap(), "  File \"x.py\", line 1\n    boom()\n");
        assert!(!format!("{:?}", Record::from(raw)).contains("boom"));
    }

    #[test]
    fn without_messages_status_str_decides() {
        assert_eq!(verdict("null"), Verdict::Succeeded);
        assert_eq!(verdict(r#"{"status_str": "success"}"#), Verdict::Succeeded);
        assert!(matches!(verdict(r#"{"status_str": "error", "messages": []}"#), Verdict::Failed(_)));
    }
}
