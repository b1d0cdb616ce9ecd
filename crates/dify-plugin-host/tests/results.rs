//! Results that the daemon or Dify would not take.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use dify_plugin_host::{CallFailure, CallRequest};
use misbehaving::{browse, credentials, failure_of, options, start};

#[tokio::test]
async fn credentials_are_refused_by_an_error_and_by_nothing_else() {
    let plugin = start().await;
    let validate = |what: &str| CallRequest::validate_tool_credentials(&credentials(what));
    assert_eq!(failure_of(&plugin, validate("not validated")).await, CallFailure::ValidationFalse);
    assert_eq!(failure_of(&plugin, validate("nothing")).await, CallFailure::NoResult);
    assert_eq!(failure_of(&plugin, validate("two results")).await, CallFailure::SeveralResults);
    assert!(matches!(failure_of(&plugin, validate("refusal")).await, CallFailure::Plugin(_)));
    // What comes is not looked at by its own type, but by what was asked.
    assert_eq!(failure_of(&plugin, validate("file:1")).await, CallFailure::ValidationFalse);
}

#[tokio::test]
async fn a_page_must_be_one_that_dify_can_read_and_leave() {
    let plugin = start().await;
    let failure = failure_of(&plugin, browse("null result")).await;
    assert_eq!(failure, CallFailure::DaemonRefuses { reason: "result is required".into() });
    let failure = failure_of(&plugin, browse("size with a fraction")).await;
    let reason = "result.0.files.0.size is 1.0, not an integer literal";
    assert_eq!(failure, CallFailure::DaemonRefuses { reason: reason.into() });
    let failure = failure_of(&plugin, browse("no way to the next page")).await;
    assert_eq!(failure, CallFailure::TruncatedWithoutNextPage { bucket: Some("b".into()) });
    assert_eq!(failure_of(&plugin, browse("nothing")).await, CallFailure::NoResult);
}

#[tokio::test]
async fn an_option_must_have_a_value() {
    let failure = failure_of(&start().await, options("option without value")).await;
    assert_eq!(failure, CallFailure::DaemonRefuses { reason: "options.0.value is required".into() });
}
