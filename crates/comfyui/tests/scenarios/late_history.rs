//! A record that appears some time after the end was announced.

use std::time::Duration;

use comfyui::ExecuteOptions;

use crate::scripted_server::{Script, ScriptedServer, workflow};

#[tokio::test]
async fn the_record_is_waited_for() {
    for job_routes in [true, false] {
        let script = Script { history_lag: Duration::from_millis(700), job_routes, ..Script::default() };
        let server = ScriptedServer::start(script).await;
        let options = ExecuteOptions::new(Duration::from_secs(10));
        let finished = server.client().execute(&workflow(), options, |_| {}).await.unwrap();
        assert_eq!(finished.outputs.files.len(), 1);
        let looks = server.seen("GET /history").len();
        assert!((2..=10).contains(&looks), "{looks} looks");
    }
}
