use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A line from the daemon (dify-plugin-daemon, `internal/core/session_manager/session.go`). Unknown keys are ignored.
#[derive(Debug, Serialize, Deserialize)]
pub struct DaemonLine {
    /// The call this line belongs to; never empty.
    pub session_id: String,
    /// The conversation in which the call happens.
    #[serde(default)]
    pub conversation_id: Option<String>,
    /// The chat message in which the call happens.
    #[serde(default)]
    pub message_id: Option<String>,
    /// The app in which the call happens.
    #[serde(default)]
    pub app_id: Option<String>,
    /// The endpoint that is called, for endpoint plugins.
    #[serde(default)]
    pub endpoint_id: Option<String>,
    /// An object, or null.
    #[serde(default)]
    pub context: Option<Box<RawValue>>,
    /// What `data` is.
    pub event: DaemonEvent,
    /// [`Request`](crate::Request) or [`BackwardsResponse`](crate::BackwardsResponse), by `event`. A line without it
    /// is faulty, and is read all the same so that its call can be told.
    #[serde(default)]
    pub data: Option<Box<RawValue>>,
}

/// The kinds of [`DaemonLine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaemonEvent {
    /// A new call.
    Request,
    /// An answer to a call back that the plugin made.
    BackwardsResponse,
}
