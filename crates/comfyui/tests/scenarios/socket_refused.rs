//! Without a WebSocket, the run is followed by asking for its record.

use std::time::Duration;

use comfyui::ExecuteOptions;

use crate::scripted_server::{Script, ScriptedServer, Socket, workflow};

async fn succeeds(script: Script) -> ScriptedServer {
    let server = ScriptedServer::start(script).await;
    let options = ExecuteOptions::new(Duration::from_secs(20));
    let finished = server.client().execute(&workflow(), options, |_| {}).await.unwrap();
    assert_eq!(finished.outputs.files.len(), 1);
    server
}

#[tokio::test]
async fn a_gateway_that_knows_no_websockets() {
    let server = succeeds(Script { socket: Socket::Refused, ..Script::default() }).await;
    assert!(!server.seen("GET /history").is_empty());
}

#[tokio::test]
async fn neither_websockets_nor_job_routes() {
    let server = succeeds(Script { socket: Socket::Refused, job_routes: false, ..Script::default() }).await;
    assert!(server.seen("GET /api/jobs").len() <= 1, "a route that is not there is asked for once");
}

#[tokio::test]
async fn a_socket_that_opens_and_says_nothing() {
    let server = succeeds(Script { socket: Socket::Silent, ..Script::default() }).await;
    assert_eq!(server.sockets_opened(), 1);
}
