//! A server that reads slowly, or not at all, holds nothing up for ever.

#![allow(clippy::unwrap_used)]

use dify_plugin_host::{DebuggingFault, DebuggingServer, DifyHost};
use serde_json::json;

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, emit, registered};

#[tokio::test]
async fn a_slow_reader_gets_the_whole_registration() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    server.fault(DebuggingFault::ReadsSlowly { bytes: 7 });
    let _laptop = Laptop::start_for(&server);
    let plugin = registered(&server).await.plugin;
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn a_pause_of_the_reader_loses_nothing() {
    const SIZE: u64 = 8 * 1024 * 1024;
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let _laptop = Laptop::start_for(&server);
    let plugin = registered(&server).await.plugin;
    let call = plugin.start_call(emit(json!({"kind": "stream", "size": SIZE}))).await.unwrap();
    plugin.pause_reading();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    plugin.resume_reading();
    assert_eq!(call.answer().await.unwrap().files[0].size, SIZE);
}

#[cfg(unix)]
#[tokio::test]
async fn a_server_that_reads_nothing_does_not_keep_it_from_stopping() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    server.fault(DebuggingFault::ReadsNothing);
    let mut laptop = Laptop::start_for(&server);
    laptop.says("connected").await;
    laptop.signal("TERM").await;
    assert!(laptop.ends().await.0.success());
}

#[cfg(unix)]
#[tokio::test]
async fn it_stops_while_it_waits_to_connect_again() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let environment = server.environment();
    drop(server);
    let mut laptop = Laptop::start(&environment);
    laptop.says("trying again in").await;
    laptop.signal("TERM").await;
    let (status, lines) = laptop.ends().await;
    assert!(status.success());
    assert_eq!(lines.last().unwrap(), "vec_tool 0.0.1: stopped");
}
