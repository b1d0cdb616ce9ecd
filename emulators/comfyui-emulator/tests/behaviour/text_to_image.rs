//! The stand-ins: a sampler that paints.

use comfyui_emulator::Folder;
use serde_json::json;

use crate::driver::{Socket, as_json, run, start, submit, text_to_image, types};

#[tokio::test]
async fn steps_are_told_and_shown_one_by_one() {
    let server = start().await;
    let mut socket = Socket::open(&server, "me").await;
    submit(&server, &text_to_image("a cat", 1, 3), "me").await;
    let frames = socket.frames_until_end().await;
    let kinds = types(&frames);
    let steps: Vec<&str> =
        kinds.iter().map(String::as_str).filter(|k| *k == "progress" || k.starts_with("type")).collect();
    assert_eq!(steps, ["progress", "type 1", "progress", "type 1", "progress", "type 1"]);
    let values: Vec<_> = frames
        .iter()
        .filter_map(as_json)
        .filter(|json| json["type"] == "progress")
        .map(|json| json!([json["data"]["value"], json["data"]["max"], json["data"]["node"]]))
        .collect();
    assert_eq!(values, [json!([1, 3, "3"]), json!([2, 3, "3"]), json!([3, 3, "3"])]);
    assert_eq!(kinds[kinds.len() - 4..], ["executed", "execution_success", "status", "executing"]);
}

#[tokio::test]
async fn the_seed_and_the_text_decide_the_picture() {
    let pictures = async |text: &str, seed: u64| {
        let server = start().await;
        let entry = run(&server, &text_to_image(text, seed, 1)).await;
        assert_eq!(entry["outputs"]["9"]["images"][0]["filename"], "x_00001_.png");
        let bytes = server.file(Folder::Output, "x_00001_.png").unwrap().unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (64, 64));
        picture
    };
    let first = pictures("a cat", u64::MAX).await;
    assert_eq!(first, pictures("a cat", u64::MAX).await);
    assert_ne!(first, pictures("a cat", u64::MAX - 1).await);
    assert_ne!(first, pictures("a dog", u64::MAX).await);
}

#[tokio::test]
async fn previews_are_not_sent_when_the_prompt_does_not_want_them() {
    let server = start().await;
    let mut socket = Socket::open(&server, "me").await;
    let body = json!({
        "prompt": text_to_image("x", 1, 2), "client_id": "me",
        "extra_data": {"preview_method": "none"},
    });
    crate::driver::post(&server, "/prompt", &body).await;
    let kinds = types(&socket.frames_until_end().await);
    assert!(!kinds.iter().any(|kind| kind.starts_with("type")), "{kinds:?}");
}
