//! A connection that is lost is made anew, and the plugin registers again.

#![allow(clippy::unwrap_used)]

use std::net::TcpListener;

use dify_plugin_host::{DebuggingFault, DebuggingServer, DifyHost};
use serde_json::json;

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, emit, refused, registered};

#[tokio::test]
async fn after_a_loss_it_registers_again_and_is_called() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let mut laptop = Laptop::start_for(&server);
    let first = registered(&server).await;
    assert_eq!(first.plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    laptop.says("registered").await;
    first.plugin.stop().await;
    laptop.says("lost the connection").await;
    laptop.says("connected to").await;
    let second = registered(&server).await;
    assert_eq!(second.registration, first.registration);
    assert_eq!(second.plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
    laptop.says("registered").await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut laptop = Laptop::start(&[
        ("INSTALL_METHOD", "remote".to_owned()),
        ("REMOTE_INSTALL_HOST", address.ip().to_string()),
        ("REMOTE_INSTALL_PORT", address.port().to_string()),
        ("REMOTE_INSTALL_KEY", "key".to_owned()),
    ]);
    laptop.says("cannot connect to").await;
    let server = DebuggingServer::start_on(address, "key", &DifyHost::default()).await.unwrap();
    let plugin = registered(&server).await.plugin;
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}

#[tokio::test]
async fn a_registration_that_is_cut_is_made_again() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    server.fault(DebuggingFault::CutAfter { bytes: 2000 });
    let mut laptop = Laptop::start_for(&server);
    assert!(refused(&server).await.starts_with("the connection ended"));
    laptop.says("hung up without a word; trying again in").await;
    let plugin = registered(&server).await.plugin;
    assert_eq!(plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap().text(), "hello");
}
