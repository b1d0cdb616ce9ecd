//! Whole runs against the ComfyUI emulator, which really executes the image nodes: upload, run, outputs, failures, faults.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use comfyui::{
    ComfyUi, Credentials, ExecuteOptions, FileKind, Finished, RunError, ServerAddress, Sighting, Update, UploadInput,
    Verdict, Warning, Workflow,
};
use comfyui_emulator::ComfyUiEmulator;
use futures_util::{TryStreamExt, stream};
use origin_client::Connections;

fn client(url: &str, key: &str) -> ComfyUi {
    let credentials = Credentials::default().with_bearer(&key.into());
    ComfyUi::new(ServerAddress::parse(url).unwrap(), credentials, &Connections::new().unwrap()).unwrap()
}

/// A canvas, inverted and saved; a sampler of so many steps in between.
fn workflow(steps: u32) -> Workflow {
    Workflow::parse(&format!(
        r#"{{
        "1": {{"class_type": "CheckpointLoaderSimple", "inputs": {{"ckpt_name": "emulator.safetensors"}}}},
        "2": {{"class_type": "CLIPTextEncode", "inputs": {{"text": "a cat", "clip": ["1", 1]}}}},
        "3": {{"class_type": "EmptyLatentImage", "inputs": {{"width": 64, "height": 64, "batch_size": 1}}}},
        "4": {{"class_type": "KSampler", "inputs": {{"seed": 18446744073709551615, "steps": {steps}, "cfg": 7.0,
            "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "model": ["1", 0], "positive": ["2", 0],
            "negative": ["2", 0], "latent_image": ["3", 0]}}, "_meta": {{"title": "Sampler"}}}},
        "5": {{"class_type": "VAEDecode", "inputs": {{"samples": ["4", 0], "vae": ["1", 2]}}}},
        "6": {{"class_type": "SaveImage", "inputs": {{"images": ["5", 0], "filename_prefix": "made/cat"}}}}}}"#
    ))
    .unwrap()
}

async fn run(client: &ComfyUi, workflow: &Workflow) -> Result<Finished, RunError> {
    client.execute(workflow, ExecuteOptions::new(Duration::from_secs(30)), |_| {}).await
}

async fn bytes_of(client: &ComfyUi, finished: &Finished) -> Vec<u8> {
    let file = finished.outputs.results().next().unwrap();
    let chunks: Vec<Bytes> = client.view(file).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn an_image_goes_in_and_comes_out_behind_a_gateway() {
    let server = ComfyUiEmulator::builder().bearer_token("k3y").path_prefix("/comfy").start().await.unwrap();
    let client = client(server.url(), "k3y");
    let made = run(
        &client,
        &Workflow::parse(
            r#"{"1": {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 16, "batch_size": 1, "color": 255}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "blue"}}}"#,
        )
        .unwrap(),
    )
    .await
    .unwrap();
    let png = bytes_of(&client, &made).await;
    assert!(png.starts_with(b"\x89PNG"));

    let upload = |png: Vec<u8>| UploadInput {
        file_name: "größe 1.png".to_owned(),
        media_type: "image/png".to_owned(),
        subfolder: "from dify".to_owned(),
        length: Some(png.len() as u64),
        body: stream::iter([Ok::<_, std::io::Error>(Bytes::from(png))]),
    };
    let uploaded = client.upload(upload(png.clone())).await.unwrap();
    assert_eq!(uploaded.as_input_value(), "from dify/größe 1.png");
    assert_eq!(client.upload(upload(png.clone())).await.unwrap(), uploaded, "the same bytes are used again");

    let mut workflow = Workflow::parse(
        r#"{"7": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
            "8": {"class_type": "ImageInvert", "inputs": {"image": ["7", 0]}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "inverted"}},
            "10": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}}"#,
    )
    .unwrap();
    workflow.set_images(&[uploaded.as_input_value()]).unwrap();
    let finished = run(&client, &workflow).await.unwrap();
    let [result] = finished.outputs.results().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((result.node_id.as_str(), result.media_type()), ("9", "image/png"));
    assert_eq!(finished.outputs.files.len(), 2, "the preview is told apart");
    assert_ne!(bytes_of(&client, &finished).await, png);

    let again = run(&client, &workflow).await.unwrap();
    assert_eq!(again.outputs, finished.outputs, "cached");
}

#[tokio::test]
async fn a_sampler_tells_its_steps_and_shows_previews() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let client = client(server.url(), "");
    let (mut steps, mut previews) = (Vec::new(), 0);
    client
        .execute(&workflow(5), ExecuteOptions::new(Duration::from_secs(30)), |update| match update {
            Update::NodeProgress { node, value, max } if node.id == "4" => steps.push((value, max)),
            Update::Preview(preview) => {
                assert_eq!(preview.node.unwrap().title.as_deref(), Some("Sampler"));
                assert!(!preview.image.is_empty());
                previews += 1;
            }
            _ => {}
        })
        .await
        .unwrap();
    assert_eq!(steps, [(1.0, 5.0), (2.0, 5.0), (3.0, 5.0), (4.0, 5.0), (5.0, 5.0)]);
    assert!(previews > 0);
}

#[tokio::test]
async fn what_is_wrong_is_told_node_by_node() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let mut workflow = workflow(5);
    workflow.node_mut("3").unwrap().inputs.insert("width".to_owned(), 0.into());
    workflow.node_mut("4").unwrap().inputs.insert("sampler_name".to_owned(), "magic".into());
    let error = run(&client(server.url(), ""), &workflow).await.unwrap_err().to_string();
    assert!(error.contains("node 3 (EmptyLatentImage): width: "), "{error}");
    assert!(error.contains("node 4 \"Sampler\" (KSampler): sampler_name: "), "{error}");
    assert!(error.contains("'magic' not in"), "{error}");
}

#[tokio::test]
async fn a_branch_that_is_not_valid_is_told_with_the_result() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let workflow = Workflow::parse(
        r#"{"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}},
            "3": {"class_type": "EmptyImage", "inputs": {"width": 0, "height": 8, "batch_size": 1, "color": 0}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "b"}}}"#,
    )
    .unwrap();
    let finished = run(&client(server.url(), ""), &workflow).await.unwrap();
    assert_eq!(finished.outputs.files.len(), 1);
    assert_eq!(finished.node_errors[0].node.id, "3");
    assert_eq!(finished.node_errors[0].dependent_outputs, ["4"]);
}

#[tokio::test]
async fn faults_on_the_way_change_nothing_about_the_result() {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let client = client(server.url(), "");
    let faults = server.faults();

    faults.cut_websocket_after(8);
    assert_eq!(run(&client, &workflow(6)).await.unwrap().outputs.files.len(), 1);

    faults.clear();
    faults.refuse_websocket();
    assert_eq!(run(&client, &workflow(7)).await.unwrap().outputs.files.len(), 1);

    faults.clear();
    faults.lose_submit_answer();
    let finished = run(&client, &workflow(8)).await.unwrap();
    assert_eq!(finished.outputs.files.len(), 1);
    assert_eq!(finished.warnings, [Warning::SubmitAnswerLost]);

    faults.clear();
    faults.delay_history(Duration::from_millis(300));
    assert_eq!(run(&client, &workflow(9)).await.unwrap().outputs.files.len(), 1);

    faults.clear();
    assert_eq!(server.output_names().len(), 4, "every prompt ran once");
}

#[tokio::test]
async fn a_deadline_stops_the_run_and_leaves_the_server_free() {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let client = client(server.url(), "");
    let options = ExecuteOptions::new(Duration::from_millis(300));
    let error = client.execute(&workflow(1000), options, |_| {}).await.unwrap_err();
    assert!(matches!(error, RunError::DeadlinePassed { cancelled: true, .. }), "{error:?}");
    let begun = Instant::now();
    while !client.queue().await.unwrap().running.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_run_that_waits_knows_how_many_are_before_it_and_sees_its_deletion() {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let client = client(server.url(), "");
    let before = client.submit(&workflow(500), comfyui::SubmitOptions::default()).await.unwrap();
    let mut ahead = Vec::new();
    let waiting = workflow(5);
    let waits = client.execute(&waiting, ExecuteOptions::new(Duration::from_secs(30)), |update| {
        if let Update::Queued { ahead: count } = update {
            ahead.push(count);
        }
    });
    let deletes = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let queue = client.queue().await.unwrap();
        client.cancel(&queue.pending[0].prompt_id).await.unwrap();
    };
    let (result, ()) = tokio::join!(waits, deletes);
    assert!(matches!(result, Err(RunError::Deleted)), "{result:?}");
    assert_eq!(ahead, [1]);
    client.cancel(&before.prompt_id).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_gone_for_good_is_given_up_without_advice_on_reaching_it() {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let client = client(server.url(), "");
    let patience = Duration::from_secs(1);
    let options = ExecuteOptions::new(Duration::from_secs(60)).with_patience(patience);
    let (begun, long) = (Instant::now(), workflow(1000));
    let run = client.execute(&long, options, |_| {});
    let stop = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.stop().await;
    };
    let (result, ()) = tokio::join!(run, stop);
    let error = result.unwrap_err();
    assert!(matches!(error, RunError::Lost { .. }), "{error:?}");
    assert!(error.to_string().contains("stopped answering") && !error.to_string().contains("Docker"), "{error}");
    assert!(begun.elapsed() >= patience && begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_prompt_is_left_to_run_and_found_later() {
    let server = ComfyUiEmulator::builder().step_delay(Duration::from_millis(20)).start().await.unwrap();
    let client = client(server.url(), "");
    server.faults().lose_submit_answer();
    let enqueued = client.enqueue(&workflow(30)).await.unwrap();
    assert!(enqueued.answer_lost);
    let seen = client.find(&enqueued.prompt_id, Duration::ZERO).await.unwrap();
    assert!(matches!(seen, Sighting::Running | Sighting::Pending { .. }), "{seen:?}");
    let seen = client.find(&enqueued.prompt_id, Duration::from_secs(20)).await.unwrap();
    let Sighting::Recorded(record) = seen else { panic!("{seen:?}") };
    assert_eq!((record.verdict, record.outputs.files.len()), (Verdict::Succeeded, 1));
    assert!(record.workflow.unwrap().node("4").is_some() && record.ran.unwrap() > Duration::from_millis(100));
    let unknown = client.find("11111111-2222-4333-8444-555555555555", Duration::from_secs(20)).await.unwrap();
    assert_eq!(unknown, Sighting::Nowhere);
    assert_eq!(server.output_names().len(), 1);
}

#[tokio::test]
async fn declarations_of_both_generations_are_read_from_a_server() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let classes = client(server.url(), "").node_classes(&["KSampler", "LoadImage", "NoSuchNode"]).await.unwrap();
    assert!(classes.input("KSampler", "seed").unwrap().is_controlled);
    assert_eq!(classes.input("LoadImage", "image").unwrap().upload, Some(FileKind::Image));
    assert_eq!(classes.get("NoSuchNode"), None);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_fetched_on_and_one_that_changed_is_not() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    let client = client(server.url(), "");
    let finished = run(&client, &workflow(2)).await.unwrap();
    let whole = bytes_of(&client, &finished).await;
    let file = finished.outputs.results().next().unwrap();

    assert!(whole.len() > 1200, "{}", whole.len());
    for after in [500, 700, 1000] {
        server.faults().cut_answer_after("/view", after);
        server.faults().cut_answer_after("/view", after);
        assert_eq!(bytes_of(&client, &finished).await, whole, "cut twice after {after} bytes");
        server.faults().clear();
    }

    // Not half of one file and half of another.
    server.faults().cut_answer_after("/view", 700);
    let stream = client.view(file).await.unwrap();
    let path = format!("{}/{}", file.subfolder, file.filename);
    assert!(server.remove_file(comfyui_emulator::Folder::Output, &path));
    server.put_file(comfyui_emulator::Folder::Output, &path, vec![7; whole.len() + 1]).unwrap();
    let broken: Result<Vec<Bytes>, _> = stream.try_collect().await;
    let length = |chunks: &Vec<Bytes>| chunks.iter().map(Bytes::len).sum::<usize>();
    assert!(broken.is_err(), "{:?}", broken.as_ref().map(length));
}
