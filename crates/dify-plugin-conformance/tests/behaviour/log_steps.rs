//! Steps are for people who watch, and not for a model that reads the answer.

use dify_plugin_host::{CallRequest, DifyHost};
use serde_json::json;

use crate::vectors_plugin::{emit, start};

#[tokio::test]
async fn the_message_of_a_chat_gets_the_answer_without_its_steps() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let call = || CallRequest::from(emit(json!({"kind": "log"})));
    let in_a_workflow = plugin.call(call().app_id("app")).await.unwrap();
    assert_eq!(in_a_workflow.logs().len(), 2);
    let in_a_chat = plugin.call(call().app_id("app").message_id("message")).await.unwrap();
    assert_eq!(in_a_chat.logs().len(), 0);
    assert!(plugin.violations().is_empty(), "{:?}", plugin.violations());
}
