use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::BackwardsInvocation;

/// A line from a plugin (dify-plugin-daemon, `pkg/entities/plugin_entities/event.go`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PluginLine<P = Value> {
    /// Something about one call.
    Session {
        /// The call, as the daemon named it.
        session_id: String,
        /// What there is to say.
        data: SessionMessage<P>,
    },
    /// The plugin lives. The first one says that it is ready.
    Heartbeat {
        /// Always null.
        #[serde(default)]
        session_id: Option<String>,
        /// Always `{}`.
        #[serde(default)]
        data: EmptyObject,
    },
    /// A text for the daemon's log.
    Log {
        /// Always null.
        #[serde(default)]
        session_id: Option<String>,
        /// The text.
        data: LogEvent,
    },
    /// A line that could not be understood, for the daemon's log. It ends no call, save where a process serves a
    /// single one (slim, serverless).
    Error {
        /// Always null.
        #[serde(default)]
        session_id: Option<String>,
        /// `{"error": text}`.
        data: Value,
    },
}

/// What a plugin says about one call. `P` is the payload of a stream item: a [`Message`](crate::Message) of a tool or a
/// download, or the one result of another action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum SessionMessage<P = Value> {
    /// A piece of the answer.
    Stream(P),
    /// A call back into Dify.
    Invoke(BackwardsInvocation),
    /// The answer is complete: exactly once per call, after an error too.
    ///
    /// Its `data` must be there: without it the daemon drops the line and the call hangs.
    End(EmptyObject),
    /// The call failed.
    Error(CallError),
}

/// `{}`. Anything is read as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EmptyObject {}

impl<'de> Deserialize<'de> for EmptyObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self {})
    }
}

/// Why a call failed. Users read all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallError {
    /// A class-like name. Dify makes some of them exceptions of its own
    /// (Dify, `api/core/plugin/impl/base.py`: `_handle_plugin_daemon_error`).
    pub error_type: String,
    /// One line.
    pub message: String,
    /// At most [`ERROR_ARGS`](crate::limits::ERROR_ARGS) keys.
    #[serde(default)]
    pub args: Option<Map<String, Value>>,
}

/// A text for the daemon's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEvent {
    /// `INFO`, `ERROR`, …
    pub level: String,
    /// The text.
    pub message: String,
    /// Seconds since 1970.
    pub timestamp: f64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(value: Value) -> PluginLine {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_heartbeat_is_written_as_the_official_sdk_writes_it() {
        let heartbeat: PluginLine = PluginLine::Heartbeat { session_id: None, data: EmptyObject {} };
        assert_eq!(serde_json::to_string(&heartbeat).unwrap(), r#"{"event":"heartbeat","session_id":null,"data":{}}"#);
    }

    #[test]
    fn an_end_keeps_its_data_key() {
        let end: PluginLine = PluginLine::Session { session_id: "s".into(), data: SessionMessage::End(EmptyObject {}) };
        assert_eq!(
            serde_json::to_string(&end).unwrap(),
            r#"{"event":"session","session_id":"s","data":{"type":"end","data":{}}}"#
        );
        for data in [json!(null), json!({}), json!({"x": 1})] {
            assert_eq!(
                line(json!({"event": "session", "session_id": "s", "data": {"type": "end", "data": data}})),
                end
            );
        }
    }

    #[test]
    fn an_end_without_data_is_no_end() {
        let line = json!({"event": "session", "session_id": "s", "data": {"type": "end"}});
        assert!(serde_json::from_value::<PluginLine>(line).is_err());
    }

    #[test]
    fn an_error_may_have_null_args() {
        let error = json!({"error_type": "E", "message": "m", "args": null});
        let line = line(json!({"event": "session", "session_id": "s", "data": {"type": "error", "data": error}}));
        let PluginLine::Session { data: SessionMessage::Error(error), .. } = line else { panic!("{line:?}") };
        assert_eq!(error.args, None);
    }
}
