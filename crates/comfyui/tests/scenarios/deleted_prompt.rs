//! A prompt that somebody deletes from the queue, of which no event and no record will ever tell; or from the history, at
//! the moment of its success.

use std::time::{Duration, Instant};

use comfyui::{ExecuteOptions, Finished, RunError};

use crate::scripted_server::{Ending, Script, ScriptedServer, Socket, workflow};

#[tokio::test]
async fn it_is_noticed() {
    for job_routes in [true, false] {
        let server = ScriptedServer::start(Script { ending: Ending::Deleted, job_routes, ..Script::default() }).await;
        let begun = Instant::now();
        let options = ExecuteOptions::new(Duration::from_secs(30));
        let error = server.client().execute(&workflow(), options, |_| {}).await.unwrap_err();
        assert!(matches!(error, RunError::Deleted), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

async fn run_whose_record_is_wiped(socket: Socket) -> Result<Finished, RunError> {
    let script = Script { ending: Ending::SuccessWiped, socket, ..Script::default() };
    let server = ScriptedServer::start(script).await;
    server.client().execute(&workflow(), ExecuteOptions::new(Duration::from_secs(30)), |_| {}).await
}

#[tokio::test]
async fn a_success_that_was_heard_in_full_is_not_lost_with_its_record() {
    let finished = run_whose_record_is_wiped(Socket::Works).await.unwrap();
    assert_eq!(finished.outputs.files[0].filename, "result_00001_.png");
    assert_eq!(finished.outputs.files.len(), 1);
}

#[tokio::test]
async fn a_success_that_was_not_heard_in_full_is_not_made_up() {
    for socket in [Socket::Refused, Socket::Silent, Socket::CutAfter(3)] {
        let outcome = run_whose_record_is_wiped(socket).await;
        assert!(matches!(outcome, Err(RunError::Deleted)), "{socket:?}: {outcome:?}");
    }
}
