//! Frames that make no sense are left out, and the run goes on.

use std::time::Duration;

use comfyui::{ExecuteOptions, Update};

use crate::scripted_server::{Script, ScriptedServer, Socket, workflow};

#[tokio::test]
async fn they_are_left_out() {
    let server = ScriptedServer::start(Script { socket: Socket::Garbage, ..Script::default() }).await;
    let mut told = Vec::new();
    let options = ExecuteOptions::new(Duration::from_secs(10));
    let finished = server.client().execute(&workflow(), options, |update| told.push(update)).await.unwrap();
    assert_eq!(finished.outputs.files.len(), 1);
    assert!(told.iter().any(|update| matches!(update, Update::NodeFinished { node } if node.id == "3")), "{told:?}");
    assert_eq!(server.sockets_opened(), 1);
}
