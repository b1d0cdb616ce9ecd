//! How a plugin is started, and what is said of one that does not come up.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use std::process::Command;
use std::time::{Duration, Instant};

use dify_plugin_host::{DifyHost, Ended, PluginProcess, StartError};
use misbehaving::{PATIENCE, dify, start, start_as, tool};

#[tokio::test]
async fn a_plugin_is_ready_with_its_first_heartbeat() {
    let plugin = start().await;
    let heartbeats = plugin.heartbeats();
    assert_eq!((heartbeats.count, heartbeats.times.len()), (1, 1));
    assert_eq!(plugin.invoke_tool(tool("install method")).await.unwrap().text(), "local");
    assert_eq!(plugin.violations(), []);
}

#[tokio::test]
async fn a_plugin_that_ends_first_is_quoted_as_dify_quotes_it() {
    let Err(StartError::Ended { reason: Ended::Exited { status }, stderr }) = start_as("exit", &dify()).await else {
        panic!("it started")
    };
    assert_eq!(status.code(), Some(3));
    assert_eq!(stderr.len(), 1024);
    assert!(stderr.ends_with("xthe licence has expired\n"), "{stderr}");
}

#[tokio::test]
async fn a_plugin_without_heartbeat_is_given_up() {
    let dify = DifyHost::builder().first_heartbeat_limit(Duration::from_millis(200)).build();
    let begun = Instant::now();
    let refused = start_as("say nothing", &dify).await.unwrap_err();
    assert!(matches!(refused, StartError::NoHeartbeat { .. }), "{refused}");
    assert!(refused.to_string().starts_with("failed to start plugin as no heartbeat received within 200ms"));
    assert!(begun.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let refused = PluginProcess::start(Command::new("/nowhere/plugin"), &dify()).await.unwrap_err();
    assert!(matches!(&refused, StartError::Spawn { program, .. } if program == "/nowhere/plugin"), "{refused}");
}

#[tokio::test]
async fn the_manifest_line_of_the_official_sdk_is_no_event() {
    let plugin = start_as("manifest", &DifyHost::builder().strict(true).build()).await.unwrap();
    assert_eq!(plugin.violations().len(), 1);
    assert_eq!(plugin.invoke_tool(tool("text")).await.unwrap().text(), "done");
}
