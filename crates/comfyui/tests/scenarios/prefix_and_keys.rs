//! The path prefix and the keys travel with every request and with the WebSocket, and nowhere else.

use std::time::Duration;

use comfyui::{ClientError, Credentials, ExecuteOptions, RunError};

use crate::scripted_server::{Script, ScriptedServer, workflow};

const GATEWAY: fn() -> Script = || Script { prefix: "/my/comfy", bearer: Some("k3y-abc"), ..Script::default() };

#[tokio::test]
async fn a_run_behind_a_gateway() {
    let server = ScriptedServer::start(GATEWAY()).await;
    let keys = Credentials::default().with_bearer(&"k3y-abc".into()).with_comfy_org_key(&"org-k3y".into());
    let client = server.client_with(keys);
    client.execute(&workflow(), ExecuteOptions::new(Duration::from_secs(10)), |_| {}).await.unwrap();

    let all = server.seen("");
    assert!(all.iter().any(|seen| seen.line.starts_with("GET /ws?")));
    for seen in &all {
        assert_eq!(seen.authorization.as_deref(), Some("Bearer k3y-abc"), "{}", seen.line);
        let has_org_key = String::from_utf8_lossy(&seen.body).contains("org-k3y");
        assert_eq!(has_org_key, seen.line.starts_with("POST /prompt"), "{}", seen.line);
        assert!(!seen.line.contains("k3y"), "{}", seen.line);
    }
    let [submit] = server.seen("POST /prompt").try_into().unwrap();
    assert_eq!(submit.json()["extra_data"]["api_key_comfy_org"], "org-k3y");
}

#[tokio::test]
async fn without_a_comfy_org_key_there_is_no_extra_data() {
    let server = ScriptedServer::start(Script::default()).await;
    server.client().execute(&workflow(), ExecuteOptions::new(Duration::from_secs(10)), |_| {}).await.unwrap();
    let [submit] = server.seen("POST /prompt").try_into().unwrap();
    assert_eq!(submit.json().get("extra_data"), None, "null would be a 500");
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once_and_not_shown() {
    let server = ScriptedServer::start(GATEWAY()).await;
    let client = server.client_with(Credentials::default().with_bearer(&"wr0ng-key".into()));
    let error = client.execute(&workflow(), ExecuteOptions::new(Duration::from_secs(10)), |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::Client(ClientError::AccessRefused { status: 401, .. })), "{error:?}");
    assert!(!format!("{error} {error:?} {client:?}").contains("wr0ng-key"));
    assert_eq!(error.to_string(), "POST /prompt: the server refused access (HTTP 401): check the API key");
}
