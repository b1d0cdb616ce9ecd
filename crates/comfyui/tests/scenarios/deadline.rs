//! A deadline that passes cancels the prompt on the server, and only that one.

use std::time::Duration;

use comfyui::{ExecuteOptions, RunError};

use crate::scripted_server::{Ending, Script, ScriptedServer, workflow};

async fn runs_into_its_deadline(job_routes: bool) -> (ScriptedServer, String) {
    let server = ScriptedServer::start(Script { ending: Ending::Never, job_routes, ..Script::default() }).await;
    let options = ExecuteOptions::new(Duration::from_millis(400));
    let error = server.client().execute(&workflow(), options, |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::DeadlinePassed { cancelled: true, .. }), "{error:?}");
    assert!(error.to_string().ends_with("it was cancelled on the server"), "{error}");
    let id = server.seen("POST /prompt")[0].json()["prompt_id"].as_str().unwrap().to_owned();
    (server, id)
}

#[tokio::test]
async fn with_one_call_where_the_server_has_it() {
    let (server, id) = runs_into_its_deadline(true).await;
    assert_eq!(server.seen(&format!("POST /api/jobs/{id}/cancel")).len(), 1);
    assert!(server.seen("POST /interrupt").is_empty());
}

#[tokio::test]
async fn step_by_step_on_older_servers() {
    let (server, id) = runs_into_its_deadline(false).await;
    assert_eq!(server.seen("POST /queue")[0].json()["delete"][0], id.as_str());
    let [interrupt] = server.seen("POST /interrupt").try_into().unwrap();
    assert_eq!(interrupt.json()["prompt_id"], id.as_str());
}
