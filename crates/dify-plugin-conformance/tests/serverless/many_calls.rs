//! Calls at once: all are served, and no more are at work than the environment allows.

use std::time::{Duration, Instant};

use dify_plugin_host::DifyHost;
use serde_json::json;

use crate::started::{start, start_with};
use crate::vectors_plugin::emit;

#[tokio::test]
async fn hundreds_of_calls_at_once_are_all_answered() {
    let process = start("tool", &DifyHost::default()).await;
    let calls = (0..400).map(|i| {
        let plugin = process.plugin().clone();
        tokio::spawn(async move {
            let call = emit(json!({"kind": "wait", "size": 200, "tag": format!("call {i}")}));
            (i, plugin.invoke_tool(call).await.unwrap())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let (i, answer) = call.await.unwrap();
        assert_eq!(answer.text(), format!("call {i}"));
    }
    let peak = process.peak_rss_bytes().unwrap_or_default();
    println!("400 calls at once: {} KiB at most", peak / 1024);
}

#[tokio::test]
async fn max_worker_bounds_the_calls_at_work_and_the_rest_wait() {
    const PAUSE: u64 = 100;
    let process = start_with("tool", &DifyHost::default(), &[("MAX_WORKER", "2")]).await;
    let start = Instant::now();
    let calls = (0..10).map(|_| {
        let plugin = process.plugin().clone();
        let call = emit(json!({"kind": "wait", "size": PAUSE, "tag": "done"}));
        tokio::spawn(async move { plugin.invoke_tool(call).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().text(), "done");
    }
    // Ten of them, two at a time.
    assert!(start.elapsed() >= Duration::from_millis(5 * PAUSE));
}
