//! Runs that fail, and workflows that are refused.

use std::time::Duration;

use comfyui::{ClientError, ExecuteOptions, RunError, Workflow};

use crate::scripted_server::{Ending, Script, ScriptedServer, Socket, workflow};

#[tokio::test]
async fn a_failure_is_told_with_node_and_reason_and_without_inputs() {
    for socket in [Socket::Works, Socket::Refused] {
        let server = ScriptedServer::start(Script { ending: Ending::Failure, socket, ..Script::default() }).await;
        let options = ExecuteOptions::new(Duration::from_secs(10));
        let error = server.client().execute(&workflow(), options, |_| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "the run failed at node 3 \"Result\" (SaveImage): disk full [OSError]");
        let debug = format!("{error:?}");
        assert!(!debug.contains("private") && !debug.contains("nodes.py"), "{debug}");
        let RunError::Failed { outputs, .. } = error else { panic!("{error:?}") };
        assert_eq!(outputs.files.len(), 1, "what was made before the failure");
        assert!(server.seen("POST /api/jobs").is_empty(), "nothing to cancel");
    }
}

#[tokio::test]
async fn a_refused_workflow_is_told_input_by_input() {
    let server = ScriptedServer::start(Script::default()).await;
    let workflow = Workflow::parse(r#"{"1": {"class_type": "Refused", "_meta": {"title": "Canvas"}}}"#).unwrap();
    let options = ExecuteOptions::new(Duration::from_secs(10));
    let error = server.client().execute(&workflow, options, |_| {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "ComfyUI refused the workflow: node 1 \"Canvas\" (Refused): width: Required input is missing"
    );
    let RunError::Client(ClientError::Rejected(rejection)) = error else { panic!("{error:?}") };
    assert_eq!(rejection.node_errors[0].dependent_outputs, ["3"]);
    assert_eq!(server.seen("POST /prompt").len(), 1, "refused is refused");
}
