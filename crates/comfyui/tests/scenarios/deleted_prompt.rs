//! A prompt that somebody deletes from the queue: no event and no record will ever tell.

use std::time::{Duration, Instant};

use comfyui::{ExecuteOptions, RunError};

use crate::scripted_server::{Ending, Script, ScriptedServer, workflow};

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
