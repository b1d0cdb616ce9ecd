//! Everything that can be wrong with a plugin, and what a real Dify would do about it.

use std::process::ExitStatus;
use std::time::Duration;

use dify_plugin_protocol::CallError;
use dify_plugin_protocol::limits::MAX_PLUGIN_LINE;

use crate::chunk_merger::ChunkFault;
use crate::serverless::ServerlessFailure;
use crate::violation::Violation;

/// Why a plugin did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no such program, or it cannot be executed.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// It ended before its first heartbeat.
    #[error("plugin failed to start: {reason}: {stderr}")]
    Ended {
        /// How it ended.
        reason: Ended,
        /// The last 1024 bytes of its standard error: what Dify shows.
        stderr: String,
    },
    /// No heartbeat came in time; the daemon kills it.
    #[error("failed to start plugin as no heartbeat received within {limit:?}: {stderr}")]
    NoHeartbeat {
        /// How long was waited.
        limit: Duration,
        /// The last 1024 bytes of its standard error.
        stderr: String,
    },
}

/// How a plugin's process came to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// By itself.
    #[error("the process ended with {status}")]
    Exited {
        /// With which status.
        status: ExitStatus,
    },
    /// It closed its standard output; the daemon kills it then.
    #[error("the process closed its standard output and was killed, as the daemon does")]
    OutputClosed,
    /// A line longer than the daemon's buffer; the daemon kills the process, and with it every call.
    #[error("a line of more than {MAX_PLUGIN_LINE} bytes: the daemon kills the process and every call on it")]
    LineTooLong,
    /// It wrote nothing, not even a heartbeat, for too long; the daemon kills it.
    #[error("nothing came from the process, not even a heartbeat, for {limit:?}: the daemon kills it")]
    Silent {
        /// The limit set; 120 s in a real daemon.
        limit: Duration,
    },
    /// [`kill`](crate::PluginProcess::kill) was called.
    #[error("the process was killed")]
    Killed,
    /// [`stop`](crate::PluginProcess::stop) was called, or the last handle was dropped.
    #[error("the process was stopped")]
    Stopped,
    /// The connection to a plugin that is debugged is gone.
    #[error("the connection to the plugin was closed")]
    Disconnected,
    /// The system would not say.
    #[error("the process could not be watched: {reason}")]
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallFailure {
    /// The plugin says so. This is what a user of Dify reads.
    #[error("{}: {}", .0.error_type, .0.message)]
    Plugin(CallError),
    /// The plugin sent an error that the daemon cannot decode.
    #[error(
        "the daemon drops the plugin's error without a word ({reason}); with the `end` after it the call looks successful and empty"
    )]
    ErrorDropped {
        /// What is wrong with it.
        reason: String,
    },
    /// A session message that the daemon cannot decode.
    #[error(
        "the daemon drops a message of this call without a word ({reason}); if it was the `end`, the call hangs for 600 s"
    )]
    MessageDropped {
        /// What is wrong with it.
        reason: String,
    },
    /// A session message of a type that is not known.
    #[error("unknown stream message type: {kind}; the daemon ends the call")]
    UnknownMessageType {
        /// The type.
        kind: String,
    },
    /// A payload that does not fit the daemon's struct.
    #[error("the daemon cannot decode what the plugin sent and ends the call: {reason}")]
    DaemonRefuses {
        /// What is wrong with it.
        reason: String,
    },
    /// A payload that passes the daemon and that Dify's own models refuse.
    #[error("Dify refuses what the plugin sent: {reason}")]
    DifyRefuses {
        /// What is wrong with it.
        reason: String,
    },
    /// A call back without type, id or request.
    #[error("invoke dify failed: {reason}; the daemon ends the call")]
    InvalidCallBack {
        /// What is wrong with it.
        reason: String,
    },
    /// A file in pieces that does not come together.
    #[error(transparent)]
    Chunk(#[from] ChunkFault),
    /// The bytes of a file are not base64.
    #[error("the bytes of a file are not base64: {reason}; Dify fails the call")]
    NotBase64 {
        /// What is wrong with them.
        reason: String,
    },
    /// A datasource answered in chunks.
    #[error(
        "a datasource sent its file in chunks, which Dify merges for tools only: the node would succeed without a file"
    )]
    ChunksFromDatasource,
    /// A download without a file.
    #[error("the download ended without a file: Dify's node would succeed with `file: null`")]
    NoFile,
    /// A download with more than one file.
    #[error("the download brought more than one file: Dify keeps the last only")]
    SeveralFiles,
    /// A media type with parameters.
    #[error("media type `{media_type}` has parameters: Dify would store the file as .bin and not extract its text")]
    MediaTypeParameters {
        /// As sent.
        media_type: String,
    },
    /// The file's name under the wrong key.
    #[error("the file is named by meta key `{found}`, and Dify reads `{expected}` here: the name would be lost")]
    WrongNameKey {
        /// The key that was sent.
        found: &'static str,
        /// The key that Dify reads: `filename` from tools, `file_name` from datasources.
        expected: &'static str,
    },
    /// A key in `meta` that Dify sets itself.
    #[error("meta key `{key}` on a file's bytes is Dify's own")]
    ReservedMeta {
        /// The key.
        key: &'static str,
    },
    /// A link to a file that Dify does not have.
    #[error("link `{link}`: Dify has no tool file `{id}` and fails the call")]
    UnknownFile {
        /// The link.
        link: String,
        /// The id that Dify would look for.
        id: String,
    },
    /// A variable under a name that is Dify's own.
    #[error("variable `{name}`: Dify refuses this name, it is an output of every tool")]
    ReservedVariable {
        /// `text`, `json` or `files`.
        name: String,
    },
    /// A streamed variable whose value is not a text.
    #[error("variable `{name}` is streamed and its value is not a text: Dify fails the call")]
    StreamedVariableNotText {
        /// The variable.
        name: String,
    },
    /// The credentials were answered with `{"result": false}`.
    #[error("the validation answered `false`: the daemon takes that for an answer, raise an error instead")]
    ValidationFalse,
    /// The call ended without the result it is for.
    #[error("the call ended without a result: Dify would show an empty one, answer with an error instead")]
    NoResult,
    /// More results than one.
    #[error("the call brought more than one result: Dify reads the first only")]
    SeveralResults,
    /// A page that says there is more and not how to get it.
    #[error(
        "is_truncated without next_page_parameters in bucket {}: Dify would ask for the same page for ever",
        .bucket.as_deref().unwrap_or("(none)")
    )]
    TruncatedWithoutNextPage {
        /// The bucket.
        bucket: Option<String>,
    },
    /// The call took too long; the plugin is told nothing.
    #[error("killed by timeout: no `end` within {limit:?}")]
    TimeLimit {
        /// The limit set; 600 s in a real daemon.
        limit: Duration,
    },
    /// Something came after the `end` of the call, within the time set by
    /// [`linger`](crate::DifyHostBuilder::linger).
    #[error("a message of type `{kind}` after the `end` of the call: the daemon drops it")]
    AfterEnd {
        /// Its type.
        kind: String,
    },
    /// In [strict](crate::DifyHostBuilder::strict) mode: something on standard output that is not of this protocol.
    #[error("{0}; this fails the call where a process serves a single one (slim, serverless)")]
    Noise(Violation),
    /// The process ended in mid-call.
    #[error(
        "the plugin ended in mid-call: {reason}. Dify's daemon tells nobody: the call would hang for 600 s. Standard error: {stderr}"
    )]
    ProcessEnded {
        /// How.
        reason: Ended,
        /// The last 1024 bytes of its standard error.
        stderr: String,
    },
    /// The connection to a plugin that is debugged went in mid-call. Unlike the end of a process, this is told.
    #[error("PluginConnectionClosedError: Connection closed unexpectedly")]
    Disconnected,
    /// Standard input of the plugin is closed.
    #[error("the request could not be written: standard input of the plugin is closed")]
    InputClosed,
    /// A call over HTTP.
    #[error(transparent)]
    Serverless(#[from] ServerlessFailure),
    /// The file could not be kept.
    #[error("cannot keep the file: {reason}")]
    Sink {
        /// What the writer said.
        reason: String,
    },
}
