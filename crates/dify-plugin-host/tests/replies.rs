//! What well-behaved answers become.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use dify_plugin_host::{Action, ActionResult, CallEvent, CallFailure, CallRequest, Carrier};
use misbehaving::{browse, credentials, object, options, start, tool, tool_with};
use serde_json::{Value, json};

#[tokio::test]
async fn every_kind_of_message_arrives() {
    let plugin = start().await;
    let answer = plugin.invoke_tool(tool("everything")).await.unwrap();
    assert_eq!(answer.texts(), ["héllo ", "world"]);
    assert_eq!(answer.text(), "héllo world");
    assert_eq!(answer.json(), [&json!({"a": [1]}), &json!([2])]);
    assert_eq!(answer.links(), ["https://example.org/", "https://example.org/a.png"]);
    assert_eq!(Value::Object(answer.variables()), json!({"count": 3, "story": "once upon"}));
    assert_eq!(answer.logs().len(), 1);
    assert_eq!(answer.messages.len(), 12);
    let carriers: Vec<_> = answer.files.iter().map(|file| (file.name.as_deref(), file.carrier, file.size)).collect();
    assert_eq!(carriers, [(Some("a.txt"), Carrier::Blob, 1), (Some("b.png"), Carrier::Chunks, 20_000)]);
    assert_eq!(answer.files[1].media_type.as_deref(), Some("image/png"));
    assert_eq!(plugin.logs()[0].message, "working");
    assert_eq!(plugin.violations(), []);
}

#[tokio::test]
async fn an_answer_may_be_empty() {
    let answer = start().await.invoke_tool(tool("nothing")).await.unwrap();
    assert!(answer.messages.is_empty() && answer.files.is_empty());
}

#[tokio::test]
async fn the_plugin_reads_what_the_daemon_writes() {
    let parameters = object(json!({"seed": 9_007_199_254_740_993_u64, "html": "<&>", "n": 1.0}));
    let request = CallRequest::from(tool_with("request", parameters)).conversation_id("c");
    let line = start().await.call(request).await.unwrap().text();
    assert!(line.starts_with(r#"{"session_id":""#), "{line}");
    assert!(line.contains(r#""conversation_id":"c","message_id":null,"app_id":null,"endpoint_id":null"#), "{line}");
    let parameters = r#""tool_parameters":{"html":"\u003c\u0026\u003e","n":1,"seed":9007199254740992}"#;
    assert!(line.contains(parameters), "{line}");
}

#[tokio::test]
async fn actions_with_one_result_have_typed_ones() {
    let plugin = start().await;
    plugin.validate_tool_credentials(&credentials("validated")).await.unwrap();
    plugin.validate_datasource_credentials(&credentials("validated")).await.unwrap();
    assert_eq!(plugin.fetch_parameter_options(options("options")).await.unwrap().options[0].value, "v");
    let page = plugin.browse_files(browse("page")).await.unwrap();
    assert_eq!(page.result[0].files[1].size, 9_007_199_254_740_993);
    assert!(page.result[0].next_page_parameters.is_some());
}

#[tokio::test]
async fn an_action_without_types_is_passed_through() {
    let plugin = start().await;
    let action = Action::named("oauth", "get_authorization_url");
    let request = CallRequest::raw(action.clone(), object(json!({"user_id": "u", "provider": "not validated"})));
    let answer = plugin.call(request).await.unwrap();
    assert_eq!(answer.results, [ActionResult::Other(json!({"result": false}))]);
    // What the daemon checks of it is checked.
    let refused = plugin
        .call(CallRequest::raw(
            Action::named("datasource", "invoke_online_document_datasource_get_pages"),
            object(json!({"provider": "not validated"})),
        ))
        .await;
    assert!(matches!(refused, Err(CallFailure::DaemonRefuses { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_error_of_the_plugin_is_told_apart() {
    let failure = misbehaving::failure_of(&start().await, tool("refusal")).await;
    let CallFailure::Plugin(error) = &failure else { panic!("{failure}") };
    assert_eq!(error.args, Some(object(json!({"model": "x"}))));
    assert_eq!(failure.to_string(), "ValueError: no such model");
}

#[tokio::test]
async fn an_answer_can_be_read_bit_by_bit() {
    let plugin = start().await;
    let mut call = plugin.start_call(tool("file:600000")).await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = call.next().await {
        match event.unwrap() {
            CallEvent::Progress { received, total, .. } => told.push((received, total)),
            CallEvent::File(file) => assert_eq!(file.size, 600_000),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told.first(), Some(&(8192, 600_000)));
    assert!(told.len() == 3 && told.is_sorted(), "{told:?}");
    assert_eq!(call.next().await, None);
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other_to_be_asked() {
    let plugin = start().await;
    let answers = (0..50).map(|_| plugin.invoke_tool(tool("everything")));
    for answer in futures_util::future::join_all(answers).await {
        assert_eq!(answer.unwrap().files.len(), 2);
    }
}

#[tokio::test]
async fn a_raw_line_can_be_sent_and_its_answer_followed() {
    let plugin = start().await;
    let call = plugin.listen("my-call", tool("")).unwrap();
    let line = r#"{"session_id":"my-call","event":"request","data":{"provider":"text"}}"#;
    plugin.send_raw_line("not even JSON").await.unwrap();
    plugin.send_raw_line(line).await.unwrap();
    assert_eq!(call.answer().await.unwrap().text(), "done");
}
