//! Messages of a call that the daemon or Dify would not take.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::time::Duration;

use dify_plugin_host::{CallFailure, DifyHost, PluginProcess, Violation};
use misbehaving::{PATIENCE, failure_of, start, start_in, tool};

#[tokio::test]
async fn a_payload_that_does_not_fit_ends_the_call() {
    let plugin = start().await;
    for (what, reason) in [
        ("message is a text", "message is a text, not an object"),
        ("meta is a list", "meta is a list, not an object"),
        ("unknown message", "`picture` is no type of a message"),
    ] {
        let failure = failure_of(&plugin, tool(what)).await;
        assert_eq!(failure, CallFailure::DaemonRefuses { reason: reason.into() });
    }
    let failure = failure_of(&plugin, tool("json text")).await;
    assert!(matches!(failure, CallFailure::DifyRefuses { .. }), "{failure}");
}

#[tokio::test]
async fn variables_may_not_have_difys_own_names() {
    let plugin = start().await;
    assert_eq!(
        failure_of(&plugin, tool("reserved variable")).await,
        CallFailure::ReservedVariable { name: "files".into() }
    );
    assert_eq!(
        failure_of(&plugin, tool("streamed number")).await,
        CallFailure::StreamedVariableNotText { name: "v".into() }
    );
}

#[tokio::test]
async fn what_the_daemon_drops_without_a_word_is_told() {
    let plugin = start().await;
    for what in ["end without data", "stream without data"] {
        let failure = failure_of(&plugin, tool(what)).await;
        assert!(matches!(failure, CallFailure::MessageDropped { .. }), "{failure}");
        assert!(failure.to_string().contains("hangs for 600 s"), "{failure}");
    }
    for (what, reason) in [
        ("eleven args", "args has 11 keys, 10 are allowed"),
        ("args are a text", "args is a text, not an object"),
        ("message is a number", "message is 5, not a text"),
    ] {
        let failure = failure_of(&plugin, tool(what)).await;
        assert_eq!(failure, CallFailure::ErrorDropped { reason: reason.into() });
        assert!(failure.to_string().contains("looks successful and empty"), "{failure}");
    }
}

#[tokio::test]
async fn an_unknown_type_ends_the_call() {
    let failure = failure_of(&start().await, tool("unknown type")).await;
    assert_eq!(failure, CallFailure::UnknownMessageType { kind: "progress".into() });
}

#[tokio::test]
async fn an_end_may_have_null_data() {
    assert!(start().await.invoke_tool(tool("end with null")).await.is_ok());
}

#[tokio::test]
async fn no_end_is_no_answer() {
    let dify = DifyHost::builder().call_limit(Duration::from_millis(200)).build();
    let plugin = start_in(&dify).await;
    let failure = failure_of(&plugin, tool("no answer")).await;
    assert_eq!(failure, CallFailure::TimeLimit { limit: Duration::from_millis(200) });
}

/// What was recorded once nothing more is on its way.
async fn violations_after(plugin: &PluginProcess, what: &str) -> Vec<Violation> {
    let _ = plugin.invoke_tool(tool(what)).await;
    assert!(plugin.invoke_tool(tool("text")).await.is_ok());
    plugin.violations()
}

#[tokio::test]
async fn messages_after_the_end_are_recorded() {
    for (what, late) in [("two ends", "end"), ("text after end", "stream")] {
        let violations = violations_after(&start().await, what).await;
        assert!(matches!(&violations[..], [Violation::AfterEnd { kind, .. }] if kind == late), "{violations:?}");
    }
    // An error and an end are what the official SDK sends.
    assert_eq!(violations_after(&start().await, "end after error").await, []);
}

#[tokio::test]
async fn messages_after_the_end_fail_a_call_that_looks_out_for_them() {
    let dify = DifyHost::builder().linger(Duration::from_millis(300)).call_limit(PATIENCE).build();
    let plugin = start_in(&dify).await;
    assert_eq!(failure_of(&plugin, tool("two ends")).await, CallFailure::AfterEnd { kind: "end".into() });
    assert_eq!(failure_of(&plugin, tool("text after end")).await, CallFailure::AfterEnd { kind: "stream".into() });
}

#[tokio::test]
async fn a_message_for_a_call_that_never_was_is_recorded() {
    let violations = violations_after(&start().await, "unknown session").await;
    assert_eq!(violations, [Violation::UnknownSession { session_id: "nobody".into(), kind: "end".into() }]);
}
