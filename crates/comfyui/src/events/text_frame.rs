use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Event, FrameError, NodeProgress, NodeState};
use crate::error::{RawFailure, one_line};
use crate::outputs::{NodeOutput, RawOutputs};
use crate::python_json::without_bare_floats;
use crate::{NodeLabel, Outputs};

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// The fields that any kind of event may need. Everything else in a frame, such as the inputs of a node that failed,
/// is skipped unread.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    prompt_id: Option<String>,
    node: Option<String>,
    display_node: Option<String>,
    node_id: Option<String>,
    node_type: Option<String>,
    value: Option<f64>,
    max: Option<f64>,
    output: Option<NodeOutput>,
}

#[derive(Deserialize)]
struct Status {
    status: Option<StatusInner>,
}
#[derive(Deserialize)]
struct StatusInner {
    exec_info: Option<ExecInfo>,
}
#[derive(Deserialize)]
struct ExecInfo {
    queue_remaining: Option<u64>,
}
#[derive(Deserialize)]
struct Cached {
    prompt_id: String,
    #[serde(default)]
    nodes: Vec<String>,
}
#[derive(Deserialize)]
struct ProgressState {
    prompt_id: String,
    #[serde(default)]
    nodes: IndexMap<String, RawNodeProgress>,
}
#[derive(Deserialize)]
struct RawNodeProgress {
    #[serde(default)]
    value: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    display_node_id: Option<String>,
}
#[derive(Deserialize)]
struct Flags {
    #[serde(default)]
    supports_preview_metadata: bool,
}

impl Event {
    /// Reads a text frame, `{"type": …, "data": {…}}`.
    ///
    /// # Errors
    /// [`FrameError::Text`] when it is something else.
    pub fn from_text(frame: &str) -> Result<Self, FrameError> {
        let json = without_bare_floats(frame.as_bytes());
        let envelope: Envelope<'_> = serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
        let data = envelope.data.map_or("{}", RawValue::get);
        Ok(match envelope.kind.as_str() {
            "status" => {
                let status: Status = read(data)?;
                let info = status.status.and_then(|status| status.exec_info);
                Self::Status { queue_remaining: info.and_then(|info| info.queue_remaining) }
            }
            "feature_flags" => {
                let flags: Flags = read(data)?;
                Self::FeatureFlags { supports_preview_metadata: flags.supports_preview_metadata }
            }
            "execution_cached" => {
                let cached: Cached = read(data)?;
                Self::ExecutionCached { prompt_id: cached.prompt_id, nodes: cached.nodes }
            }
            "progress_state" => {
                let state: ProgressState = read(data)?;
                let nodes = state.nodes.into_iter().map(|(id, raw)| raw.read(id)).collect();
                Self::ProgressState { prompt_id: state.prompt_id, nodes }
            }
            "execution_error" => {
                let fields: Fields = read(data)?;
                let failure: RawFailure = read(data)?;
                Self::ExecutionError { prompt_id: required(fields.prompt_id)?, failure: failure.into() }
            }
            kind @ ("execution_start"
            | "executing"
            | "progress"
            | "executed"
            | "execution_success"
            | "execution_interrupted") => about_prompt(kind, read(data)?)?,
            kind => Self::Other { kind: one_line(kind, 60) },
        })
    }
}

fn about_prompt(kind: &str, fields: Fields) -> Result<Event, FrameError> {
    let Fields { prompt_id, node, display_node, node_id, node_type, value, max, output } = fields;
    // A node that expanded itself runs under an id of its own; the display id is the one that the user knows.
    let shown = display_node.or_else(|| node.clone());
    Ok(match kind {
        "execution_start" => Event::ExecutionStart { prompt_id: required(prompt_id)? },
        "execution_success" => Event::ExecutionSuccess { prompt_id: required(prompt_id)? },
        "executing" => match shown.filter(|_| node.is_some()) {
            Some(node) => Event::Executing { prompt_id, node },
            None => Event::Over { prompt_id: required(prompt_id)? },
        },
        "executed" => match shown {
            Some(shown) => {
                // The history lists it under the node's own id.
                let id = node.unwrap_or_else(|| shown.clone());
                let outputs = output.map(|output| Outputs::read(&RawOutputs::from([(id, output)]))).unwrap_or_default();
                Event::Executed { prompt_id: required(prompt_id)?, node: shown, outputs }
            }
            None => return Err(FrameError::Text("executed without a node".to_owned())),
        },
        "progress" => {
            Event::Progress { prompt_id, node, value: value.unwrap_or_default(), max: max.unwrap_or_default() }
        }
        _ => Event::ExecutionInterrupted {
            prompt_id: required(prompt_id)?,
            node: node_id.map(|id| NodeLabel { id, title: None, class_type: node_type.unwrap_or_default() }),
        },
    })
}

impl RawNodeProgress {
    fn read(self, id: String) -> NodeProgress {
        let node = self.display_node_id.unwrap_or_else(|| id.clone());
        NodeProgress {
            state: match self.state.as_str() {
                "running" => NodeState::Running,
                "finished" if id == node => NodeState::Finished,
                // Also a part of a node that expanded itself: with the part the node is not done.
                _ => NodeState::Other,
            },
            node,
            value: self.value.unwrap_or_default(),
            max: self.max.unwrap_or_default(),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, FrameError> {
    serde_json::from_str(data).map_err(|error| unreadable(&error))
}

fn unreadable(error: &serde_json::Error) -> FrameError {
    FrameError::Text(one_line(&error.to_string(), 120))
}

fn required(prompt_id: Option<String>) -> Result<String, FrameError> {
    prompt_id.ok_or_else(|| FrameError::Text("no prompt_id".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event::from_text(text).unwrap()
    }

    #[test]
    fn the_frames_of_a_run() {
        assert_eq!(
            event(r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 2}}, "sid": "x"}}"#),
            Event::Status { queue_remaining: Some(2) }
        );
        assert_eq!(
            event(r#"{"type": "executing", "data": {"node": "5.0.0.3", "display_node": "5", "prompt_id": "p"}}"#),
            Event::Executing { prompt_id: Some("p".to_owned()), node: "5".to_owned() }
        );
        assert_eq!(
            event(r#"{"type": "executing", "data": {"node": "2"}}"#),
            Event::Executing { prompt_id: None, node: "2".to_owned() }
        );
        assert_eq!(
            event(r#"{"type": "executing", "data": {"node": null, "prompt_id": "p"}}"#),
            Event::Over { prompt_id: "p".to_owned() }
        );
        assert_eq!(
            event(
                r#"{"type": "executed", "data": {"node": "3", "display_node": "3", "output": null, "prompt_id": "p"}}"#
            ),
            Event::Executed { prompt_id: "p".to_owned(), node: "3".to_owned(), outputs: Outputs::default() }
        );
        assert_eq!(
            event(r#"{"type": "progress", "data": {"value": 1, "max": 50, "prompt_id": "p", "node": "2"}}"#),
            Event::Progress { prompt_id: Some("p".to_owned()), node: Some("2".to_owned()), value: 1.0, max: 50.0 }
        );
        assert_eq!(
            event(
                r#"{"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"1": {"value": 0.5, "max": 1.0, "state": "running",
                "display_node_id": "9"}, "2": {"value": 1, "max": 1, "state": "finished"}}}}"#
            ),
            Event::ProgressState {
                prompt_id: "p".to_owned(),
                nodes: vec![
                    NodeProgress { node: "9".to_owned(), state: NodeState::Running, value: 0.5, max: 1.0 },
                    NodeProgress { node: "2".to_owned(), state: NodeState::Finished, value: 1.0, max: 1.0 },
                ],
            }
        );
    }

    #[test]
    fn an_error_is_read_without_inputs_or_traceback() {
        let Event::ExecutionError { prompt_id, failure } = event(
            r#"{"type": "execution_error", "data": {"prompt_id": "p", "node_id": "2", "node_type": "F", "exception_message": "no\n",
                "exception_type": "ValueError", "traceback": ["x"], "current_inputs": {"key": [NaN]}}}"#,
        ) else {
            panic!("another event")
        };
        assert_eq!((prompt_id.as_str(), failure.to_string().as_str()), ("p", "node 2 (F): no [ValueError]"));
    }

    #[test]
    fn unknown_kinds_are_kept_apart_from_garbage() {
        assert_eq!(event(r#"{"type": "assets.new", "data": [1]}"#), Event::Other { kind: "assets.new".to_owned() });
        for garbage in [
            "",
            "hello",
            "[1]",
            "{}",
            r#"{"type": 1}"#,
            r#"{"type": "executed", "data": {}}"#,
            r#"{"type": "executing", "data": 5}"#,
        ] {
            assert!(Event::from_text(garbage).is_err(), "{garbage}");
        }
    }
}
