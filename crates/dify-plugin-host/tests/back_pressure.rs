//! A host that does not read makes the plugin wait, and nothing is lost.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::time::Duration;

use dify_plugin_host::PluginProcess;
use misbehaving::{PATIENCE, start, tool};

/// How many texts the plugin has written, as it says on standard error.
fn written(plugin: &PluginProcess) -> u64 {
    let stderr = plugin.stderr();
    stderr.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().parse().unwrap_or_default()
}

#[tokio::test]
async fn a_paused_host_fills_the_pipe_and_loses_nothing() {
    let plugin = start().await;
    plugin.pause_reading();
    let call = plugin.start_call(tool("texts:3000")).await.unwrap();
    let mut before = 0;
    tokio::time::timeout(PATIENCE, async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = written(&plugin);
            if now > 0 && now == before {
                break;
            }
            before = now;
        }
    })
    .await
    .unwrap();
    // A pipe holds 64 KiB, and one read was under way.
    assert!(before < 200, "{before}");
    plugin.resume_reading();
    let answer = call.answer().await.unwrap();
    assert!(answer.texts().iter().enumerate().all(|(count, text)| text.starts_with(&format!("{count} "))));
    assert_eq!(answer.texts().len(), 3000);
}

#[tokio::test]
async fn a_call_that_nobody_reads_stops_the_others_as_in_the_daemon() {
    let plugin = start().await;
    let unread = plugin.start_call(tool("texts:3000")).await.unwrap();
    let other = plugin.start_call(tool("text")).await.unwrap();
    let mut other = Box::pin(other.answer());
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut other).await.is_err());
    assert_eq!(unread.answer().await.unwrap().texts().len(), 3000);
    assert_eq!(other.await.unwrap().text(), "done");
}

#[tokio::test]
async fn a_call_that_is_dropped_stops_nobody() {
    let plugin = start().await;
    let unread = plugin.start_call(tool("texts:3000")).await.unwrap();
    let other = plugin.start_call(tool("text")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(unread);
    assert_eq!(other.answer().await.unwrap().text(), "done");
    assert_eq!(plugin.violations(), []);
}
