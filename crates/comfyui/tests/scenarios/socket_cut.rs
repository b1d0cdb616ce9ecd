//! A WebSocket that breaks in the middle of a run.

use std::time::Duration;

use comfyui::{ExecuteOptions, Update};

use crate::scripted_server::{Script, ScriptedServer, Socket, workflow};

#[tokio::test]
async fn the_run_goes_on_and_the_socket_comes_back_under_the_same_client_id() {
    let step = Duration::from_millis(300);
    let server = ScriptedServer::start(Script { socket: Socket::CutAfter(3), step, ..Script::default() }).await;
    let mut told = Vec::new();
    let options = ExecuteOptions::new(Duration::from_secs(20));
    let finished = server.client().execute(&workflow(), options, |update| told.push(update)).await.unwrap();

    assert_eq!(finished.outputs.files.len(), 1);
    assert_eq!(told.iter().filter(|update| **update == Update::Started).count(), 1);
    let last = told.iter().any(|update| matches!(update, Update::NodeStarted { node } if node.id == "3"));
    assert!(last, "seen on the second socket: {told:?}");
    let sockets = server.seen("GET /ws");
    assert_eq!(sockets.len(), 2);
    assert_eq!(sockets[0].line, sockets[1].line);
}
