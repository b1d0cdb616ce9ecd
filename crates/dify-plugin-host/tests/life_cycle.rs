//! How a process ends, and what its calls are told.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::process::Command;
use std::time::Duration;

use dify_plugin_host::{CallFailure, DifyHost, Ended, PluginProcess};
use misbehaving::{PATIENCE, dify, start, start_as, tool};

#[tokio::test]
async fn a_plugin_that_dies_fails_its_calls_at_once() {
    let plugin = start().await;
    let failure = plugin.invoke_tool(tool("die")).await.unwrap_err();
    let CallFailure::ProcessEnded { reason: Ended::Exited { status }, stderr } = &failure else { panic!("{failure}") };
    assert_eq!((status.code(), stderr.as_str()), (Some(9), "out of memory\n"));
    assert!(failure.to_string().contains("would hang for 600 s"), "{failure}");
    let refused = plugin.start_call(tool("text")).await.unwrap_err();
    assert!(matches!(refused, CallFailure::ProcessEnded { .. }), "{refused}");
}

#[tokio::test]
async fn what_came_before_a_death_is_still_read() {
    let plugin = start().await;
    let mut call = plugin.start_call(tool("die")).await.unwrap();
    assert!(call.next().await.unwrap().is_ok());
    assert!(call.next().await.unwrap().is_err());
    assert!(call.next().await.is_none());
}

#[tokio::test]
async fn a_plugin_finishes_its_work_when_its_input_ends() {
    let plugin = start_as("exit with 7", &dify()).await.unwrap();
    let call = plugin.start_call(tool("slow:200")).await.unwrap();
    plugin.close_stdin().await.unwrap();
    assert_eq!(call.answer().await.unwrap().text(), "done");
    assert_eq!(plugin.wait_exit(PATIENCE).await.unwrap().code(), Some(7));
    assert!(plugin.close_stdin().await.is_err());
}

#[tokio::test]
async fn a_request_after_the_input_ended_is_refused() {
    let plugin = start().await;
    let _running = plugin.start_call(tool("slow:2000")).await.unwrap();
    plugin.close_stdin().await.unwrap();
    while plugin.send_raw_line("").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(plugin.start_call(tool("text")).await.unwrap_err(), CallFailure::InputClosed);
}

#[tokio::test]
async fn a_process_can_be_killed_and_stopped() {
    let plugin = start().await;
    let call = plugin.start_call(tool("no answer")).await.unwrap();
    assert!(plugin.wait_exit(Duration::from_millis(50)).await.is_none());
    plugin.kill();
    assert!(!plugin.wait_exit(PATIENCE).await.unwrap().success());
    assert!(matches!(call.answer().await, Err(CallFailure::ProcessEnded { reason: Ended::Killed, .. })));

    let plugin = start().await;
    let call = plugin.start_call(tool("no answer")).await.unwrap();
    plugin.stop().await;
    assert_eq!(plugin.ended(), Some(Ended::Stopped));
    assert!(matches!(call.answer().await, Err(CallFailure::ProcessEnded { reason: Ended::Stopped, .. })));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_ends_with_its_last_handle() {
    let plugin = start().await;
    let proc = format!("/proc/{}", plugin.pid());
    assert!(plugin.rss_bytes().unwrap() > 100_000);
    assert!(plugin.peak_rss_bytes().unwrap() >= plugin.rss_bytes().unwrap());
    drop(plugin);
    tokio::time::timeout(PATIENCE, async {
        while std::path::Path::new(&proc).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_closes_its_output_is_killed() {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"echo '{"event":"heartbeat"}'; exec 1>&-; sleep 600"#]);
    let plugin = PluginProcess::start(shell, &dify()).await.unwrap();
    assert!(plugin.wait_exit(PATIENCE).await.is_some());
    assert_eq!(plugin.ended(), Some(Ended::OutputClosed));
}

#[cfg(unix)]
#[tokio::test]
async fn a_child_that_holds_the_pipes_does_not_hold_the_host() {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"echo '{"event":"heartbeat"}'; sleep 30 & exit 4"#]);
    let plugin = PluginProcess::start(shell, &dify()).await.unwrap();
    assert_eq!(plugin.wait_exit(PATIENCE).await.unwrap().code(), Some(4));
}

#[tokio::test]
async fn a_silent_process_is_killed() {
    let dify = DifyHost::builder().silence_limit(Duration::from_millis(300)).build();
    let plugin = start_as("", &dify).await.unwrap();
    let failure = plugin.invoke_tool(tool("no answer")).await.unwrap_err();
    assert!(matches!(failure, CallFailure::ProcessEnded { reason: Ended::Silent { .. }, .. }), "{failure}");
    assert!(plugin.heartbeats().max_gap >= Duration::from_millis(300));
}

#[tokio::test]
async fn heartbeats_keep_a_process_alive() {
    let dify = DifyHost::builder().silence_limit(Duration::from_millis(1500)).build();
    let plugin = start_as("beat", &dify).await.unwrap();
    assert!(plugin.wait_exit(Duration::from_secs(3)).await.is_none());
    let heartbeats = plugin.heartbeats();
    assert!(heartbeats.count > 10 && heartbeats.times.is_sorted(), "{heartbeats:?}");
    assert!(heartbeats.max_gap < Duration::from_millis(1500));
    assert_eq!(plugin.ended(), None);
}

#[tokio::test]
async fn a_status_is_known_although_nobody_reads_a_call() {
    let plugin = start().await;
    let _unread = plugin.start_call(tool("texts:3000")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    plugin.kill();
    assert!(plugin.wait_exit(Duration::from_secs(2)).await.is_some());
    assert_eq!(plugin.ended(), None);
}
