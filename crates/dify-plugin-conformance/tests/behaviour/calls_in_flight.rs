//! Many calls at once on one process: all answered, none held up by another, heartbeats on time.

use std::time::{Duration, Instant};

use crate::vectors_plugin::{MIB, emit, start, tool};
use dify_plugin_host::{CallFailure, DifyHost, UploadEndpoint};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_mixed_calls_are_all_answered_and_heartbeats_come_on_time() {
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let plugin = start("tool", &dify).await;
    let started = Instant::now();
    let calls: Vec<_> = (0..200_u64)
        .map(|i| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                match i % 8 {
                    0 => {
                        let answer = plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap();
                        assert_eq!(answer.text(), "hello");
                    }
                    1 => {
                        let answer =
                            plugin.invoke_tool(emit(json!({"kind": "stream", "size": i * 10_000}))).await.unwrap();
                        assert_eq!(answer.files[0].size, i * 10_000);
                    }
                    2 => {
                        let call = emit(json!({"kind": "wait", "size": 11_000, "tag": i.to_string()}));
                        assert_eq!(plugin.invoke_tool(call).await.unwrap().text(), i.to_string());
                    }
                    3 => {
                        let answer = plugin.invoke_tool(tool("callback", json!({"op": "upload"}))).await.unwrap();
                        assert_eq!(answer.json()[0]["size"], 9);
                    }
                    4 => {
                        let failed = plugin
                            .invoke_tool(tool("fail", json!({"error": "ValueError", "text": i.to_string()})))
                            .await;
                        let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
                        assert_eq!(error.message, i.to_string());
                    }
                    5 => {
                        let failed = plugin.invoke_tool(emit(json!({"kind": "panic"}))).await;
                        let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
                        assert_eq!(error.error_type, "InternalError");
                    }
                    6 => {
                        let answer = plugin.invoke_tool(emit(json!({"kind": "log"}))).await.unwrap();
                        assert_eq!(answer.logs().len(), 2);
                    }
                    _ => {
                        let answer = plugin.invoke_tool(emit(json!({"kind": "block", "size": 20}))).await.unwrap();
                        assert_eq!(answer.text(), "blocked");
                    }
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let heartbeats = plugin.heartbeats();
    println!("200 calls in {:?}; longest time without a heartbeat {:?}", started.elapsed(), heartbeats.max_gap);
    assert!(heartbeats.count >= 2);
    assert!(heartbeats.max_gap < Duration::from_secs(12), "{heartbeats:?}");
    assert!(plugin.violations().is_empty(), "{:?}", plugin.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_does_not_hold_up_a_small_answer() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let large = {
        let plugin = plugin.clone();
        tokio::spawn(
            async move { plugin.invoke_tool(emit(json!({"kind": "stream", "size": 30 * MIB}))).await.unwrap() },
        )
    };
    let mut answered_meanwhile = 0;
    while !large.is_finished() {
        assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
        answered_meanwhile += 1;
    }
    assert_eq!(large.await.unwrap().files[0].size, 30 * MIB);
    assert!(answered_meanwhile > 1, "the small answers had to wait for the large one");
}
