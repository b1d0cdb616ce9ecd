//! What else is on standard output, and how long a line may be.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use dify_plugin_host::{CallFailure, DifyHost, Ended, Violation};
use misbehaving::{PATIENCE, failure_of, start, start_in, tool};

#[tokio::test]
async fn the_longest_line_passes_and_one_byte_more_costs_the_process() {
    let plugin = start().await;
    assert!(plugin.invoke_tool(tool("longest line")).await.unwrap().text().len() > 5_000_000);
    let failure = plugin.invoke_tool(tool("line too long")).await.unwrap_err();
    assert!(matches!(failure, CallFailure::ProcessEnded { reason: Ended::LineTooLong, .. }), "{failure}");
    assert!(failure.to_string().contains("the daemon kills the process and every call on it"), "{failure}");
    assert_eq!(plugin.ended(), Some(Ended::LineTooLong));
}

#[tokio::test]
async fn a_line_too_long_fails_every_call() {
    let plugin = start().await;
    let waiting = plugin.start_call(tool("no answer")).await.unwrap();
    plugin.invoke_tool(tool("line too long")).await.unwrap_err();
    let failure = waiting.answer().await.unwrap_err();
    assert!(matches!(failure, CallFailure::ProcessEnded { reason: Ended::LineTooLong, .. }), "{failure}");
    let refused = plugin.start_call(tool("text")).await.unwrap_err();
    assert!(matches!(refused, CallFailure::ProcessEnded { .. }), "{refused}");
}

#[tokio::test]
async fn noise_is_recorded_and_ends_no_call() {
    let plugin = start().await;
    for what in ["noise", "error event", "unknown event", "blank lines"] {
        plugin.invoke_tool(tool(what)).await.unwrap();
    }
    let violations = plugin.violations();
    assert!(
        matches!(
            &violations[..],
            [Violation::NotProtocol { line, .. }, Violation::ErrorEvent { .. }, Violation::UnknownEvent { event }]
                if line == "Traceback (most recent call last):" && event == "tick"
        ),
        "{violations:?}"
    );
}

#[tokio::test]
async fn noise_fails_calls_where_slim_fails_them() {
    let plugin = start_in(&DifyHost::builder().strict(true).call_limit(PATIENCE).build()).await;
    for what in ["noise", "error event"] {
        let failure = failure_of(&plugin, tool(what)).await;
        assert!(matches!(failure, CallFailure::Noise(_)), "{failure}");
    }
    assert!(plugin.invoke_tool(tool("unknown event")).await.is_ok());
}
