//! A run on a server that does everything right.

use std::time::{Duration, Instant};

use comfyui::{ExecuteOptions, Folder, Update};

use crate::scripted_server::{Script, ScriptedServer, workflow};

#[tokio::test]
async fn updates_come_in_order_and_the_outputs_at_the_end() {
    let server = ScriptedServer::start(Script::default()).await;
    let mut told = Vec::new();
    let finished = server
        .client()
        .execute(&workflow(), ExecuteOptions::new(Duration::from_secs(10)), |update| told.push(update))
        .await
        .unwrap();

    let words: Vec<String> = told
        .iter()
        .map(|update| match update {
            Update::Started => "started".to_owned(),
            Update::NodeStarted { node } => format!("begins {node}"),
            Update::NodeProgress { node, value, max } => format!("{} at {value}/{max}", node.id),
            Update::NodeFinished { node } => format!("done {}", node.id),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "started",
            "begins node 1 \"Canvas\" (EmptyImage)",
            "1 at 1/2",
            "done 1",
            "begins node 3 \"Result\" (SaveImage)",
            "done 3"
        ]
    );
    let [file] = finished.outputs.files.as_slice() else { panic!("{:?}", finished.outputs) };
    assert_eq!((file.node_id.as_str(), file.to_string().as_str()), ("3", "sub/result_00001_.png"));
    assert_eq!(file.folder, Folder::Output);
    assert!(finished.warnings.is_empty() && finished.node_errors.is_empty());
}

#[tokio::test]
async fn the_client_chooses_the_ids_and_hardly_asks_for_the_record() {
    let server = ScriptedServer::start(Script::default()).await;
    let options = ExecuteOptions::new(Duration::from_secs(10)).in_front();
    let finished = server.client().execute(&workflow(), options, |_| {}).await.unwrap();

    let [submit] = server.seen("POST /prompt").try_into().unwrap();
    let body = submit.json();
    assert_eq!(body["prompt_id"], finished.prompt_id);
    assert_eq!(body["front"], true);
    for id in [&body["prompt_id"], &body["client_id"]] {
        let id = id.as_str().unwrap();
        assert!(id.len() == 36 && !id.chars().any(|c| c.is_ascii_uppercase()), "{id}");
    }
    assert_ne!(body["prompt_id"], body["client_id"]);
    let socket = format!("GET /ws?clientId={}", body["client_id"].as_str().unwrap());
    assert_eq!(server.seen(&socket).len(), 1);
    let looks = server.seen("GET /history").len();
    // One, unless the machine is so busy that the run takes half a second.
    assert!((1..=3).contains(&looks), "{looks} looks");
}

#[tokio::test]
async fn it_adds_next_to_nothing_to_the_time_the_server_takes() {
    let server = ScriptedServer::start(Script { step: Duration::ZERO, ..Script::default() }).await;
    let client = server.client();
    client.system_stats().await.unwrap();
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        client.execute(&workflow(), ExecuteOptions::new(Duration::from_secs(10)), |_| {}).await.unwrap();
        quickest = quickest.min(begun.elapsed());
    }
    // Milliseconds; the bound only shows that no fixed wait is in the way.
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
}
