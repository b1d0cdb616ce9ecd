//! A panic is an error of its call, and of no other.

use dify_plugin_host::{CallFailure, DifyHost};
use serde_json::json;

use crate::started::start;
use crate::vectors_plugin::emit;

#[tokio::test]
async fn a_panic_is_answered_and_the_next_call_served() {
    let process = start("tool", &DifyHost::default()).await;
    let failed = process.plugin().invoke_tool(emit(json!({"kind": "panic"}))).await;
    let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
    assert_eq!(error.error_type, "InternalError");
    assert_eq!(process.plugin().invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}
