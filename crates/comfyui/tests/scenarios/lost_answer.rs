//! The answer to `POST /prompt` gets lost: the prompt must run once, and only once.

use std::time::Duration;

use comfyui::{ExecuteOptions, Finished, Warning};

use crate::scripted_server::{Answers, Script, ScriptedServer, Socket, workflow};

async fn run(answers: Answers, socket: Socket) -> (ScriptedServer, Finished) {
    let server = ScriptedServer::start(Script { answers, socket, ..Script::default() }).await;
    let options = ExecuteOptions::new(Duration::from_secs(20));
    let finished = server.client().execute(&workflow(), options, |_| {}).await.unwrap();
    assert_eq!(finished.outputs.files.len(), 1);
    (server, finished)
}

#[tokio::test]
async fn a_prompt_that_was_taken_is_found_and_not_sent_again() {
    for socket in [Socket::Works, Socket::Refused] {
        let (server, finished) = run(Answers::GetLost, socket).await;
        assert_eq!(server.seen("POST /prompt").len(), 1);
        assert_eq!(finished.warnings, [Warning::SubmitAnswerLost]);
    }
}

#[tokio::test]
async fn a_prompt_that_was_not_taken_is_sent_again_under_the_same_id() {
    let (server, finished) = run(Answers::NotTakenOnce, Socket::Works).await;
    let submits = server.seen("POST /prompt");
    assert_eq!(submits.len(), 2);
    assert_eq!(submits[0].json(), submits[1].json());
    assert_eq!(finished.warnings, []);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_end_is_waited_for() {
    let (_, finished) = run(Answers::ComeLate(Duration::from_millis(700)), Socket::Works).await;
    assert_eq!(finished.warnings, []);
    assert_eq!(finished.node_errors[0].node.id, "9");
}
