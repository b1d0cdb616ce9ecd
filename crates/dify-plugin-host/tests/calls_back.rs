//! Dify's side of a plugin's calls back.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::time::Duration;

use dify_plugin_host::{CallFailure, DifyHost};
use misbehaving::{failure_of, object, start, start_in, tool, tool_with};
use serde_json::json;

#[tokio::test]
async fn storage_keeps_what_it_is_given() {
    let answer = start().await.invoke_tool(tool("storage")).await.unwrap();
    assert_eq!(
        answer.texts(),
        [
            "{'data':'ok'}",
            "{'data':'00ff'}",
            "{'data':'ok','deleted_num':1}",
            "{'data':false,'exist_num':0}",
            "error: load data failed, please check if the key is correct or you have not set it",
        ]
    );
    assert_eq!(answer.called_back, ["storage"; 5]);
}

#[tokio::test]
async fn storage_needs_a_permission() {
    let plugin = start_in(&DifyHost::builder().storage(false).build()).await;
    let answer = plugin.invoke_tool(tool("storage")).await.unwrap();
    let denied = "error: permission denied, you need to enable storage access in plugin manifest";
    assert_eq!(answer.texts(), [denied; 5]);
}

#[tokio::test]
async fn other_kinds_are_refused_in_the_daemons_words() {
    let plugin = start().await;
    for (kind, said) in [
        ("llm", "error: permission denied, you need to enable llm access in plugin manifest"),
        ("weather", "error: unsupported invoke type: weather"),
        ("upload_file", "error: unmarshal backwards invoke request failed: missing field `filename`"),
    ] {
        let answer = plugin.invoke_tool(tool_with("call back", object(json!({"kind": kind})))).await.unwrap();
        assert_eq!(answer.text(), said);
    }
}

#[tokio::test]
async fn a_call_back_without_id_fails_the_call() {
    let failure = failure_of(&start().await, tool("call back without id")).await;
    assert!(matches!(failure, CallFailure::InvalidCallBack { .. }), "{failure}");
}

#[tokio::test]
async fn slim_answers_no_call_back() {
    let dify = DifyHost::builder().call_backs(false).call_limit(Duration::from_millis(300)).build();
    let plugin = start_in(&dify).await;
    let failure = plugin.invoke_tool(tool("storage")).await.unwrap_err();
    assert!(matches!(failure, CallFailure::TimeLimit { .. }), "{failure}");
}
