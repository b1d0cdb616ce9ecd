//! An execution that is dropped in the middle leaves no prompt running.

use std::time::Duration;

use comfyui::ExecuteOptions;
use tokio::time::{sleep, timeout};

use crate::scripted_server::{Ending, Script, ScriptedServer, workflow};

#[tokio::test]
async fn dropping_the_future_cancels_the_prompt() {
    let server = ScriptedServer::start(Script { ending: Ending::Never, ..Script::default() }).await;
    let (client, workflow) = (server.client(), workflow());
    let execution = client.execute(&workflow, ExecuteOptions::new(Duration::from_secs(60)), |_| {});
    assert!(timeout(Duration::from_millis(300), execution).await.is_err());

    let id = server.seen("POST /prompt")[0].json()["prompt_id"].as_str().unwrap().to_owned();
    let cancel = format!("POST /api/jobs/{id}/cancel");
    timeout(Duration::from_secs(5), async {
        while server.seen(&cancel).is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}
