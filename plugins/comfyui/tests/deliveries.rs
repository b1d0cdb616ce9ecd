//! Which files of a run come to Dify, and what happens to the others when one of them cannot.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use comfyui_emulator::{Fault, Folder, StatusCode};
use dify_plugin_host::{Answer, DifyHost, UploadEndpoint, UploadFault};
use image::{Rgb, RgbImage};
use on_emulator::{OnEmulator, TOKEN, colour, load, refusal, save, summary};
use pictures::png;
use serde_json::{Value, json};

fn names(answer: &Answer) -> Vec<&str> {
    answer.files.iter().map(|file| file.name.as_deref().unwrap()).collect()
}

/// Saves what comes from `node` under a name of its own: nodes that do the same share one result.
fn save_as(name: &str, node: &str) -> Value {
    let mut saves = save(node);
    saves["inputs"]["filename_prefix"] = json!(name);
    saves
}

/// A picture that no compression makes small.
fn noise() -> RgbImage {
    RgbImage::from_fn(100, 100, |x, y| {
        let bits = (x * 100 + y).wrapping_mul(2_654_435_761);
        Rgb([(bits >> 24) as u8, (bits >> 16) as u8, (bits >> 8) as u8])
    })
}

fn preview(node: &str) -> Value {
    json!({"class_type": "PreviewImage", "inputs": {"images": [node, 0]}, "_meta": {"title": "Draft"}})
}

#[tokio::test]
async fn previews_and_nodes_can_be_chosen() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": colour(255), "2": save("1"), "10": preview("1")});
    let run = async |parameters| on.run(&workflow, parameters).await;
    assert_eq!(names(&run(json!({})).await.unwrap()), ["result_00001_.png"]);
    let both = run(json!({"include_previews": true})).await.unwrap();
    assert_eq!((both.files.len(), &summary(&both)["outputs"][1]["type"]), (2, &json!("temp")));
    let draft = run(json!({"output_nodes": "Draft"})).await.unwrap();
    assert_eq!(summary(&draft)["outputs"][0]["node_id"], "10");
    let error = refusal(run(json!({"output_nodes": "2, Drft"})).await);
    assert!(error.message.starts_with("output_nodes: the workflow has no node \"Drft\""), "{}", error.message);
    assert!(error.message.contains("there is node 10 \"Draft\" (PreviewImage)"), "{}", error.message);
    on.assert_well_behaved();
}

#[tokio::test]
async fn one_file_that_dify_refuses_does_not_hold_up_the_others() {
    let uploads = UploadEndpoint::start().await.unwrap();
    uploads.set_fault(Some(UploadFault::Refuse(413)));
    let limit = 5_000;
    let dify = DifyHost::builder().uploads(uploads.clone()).merged_file_limit(limit).strict(true).build();
    let on = OnEmulator::start_in(
        &dify,
        uploads,
        |comfyui| comfyui,
        |command| {
            command.env("PLUGIN_MAX_FILE_SIZE", limit.to_string());
        },
    )
    .await;
    let large = on.file("photo.png", "image/png", png(&noise()));
    let workflow = json!({"1": colour(255), "3": save_as("a", "1"), "4": load("Photo"), "2": save_as("large", "4"),
        "5": save_as("b", "1")});
    let answer = on.run(&workflow, json!({"images": [large]})).await.unwrap();
    assert_eq!(names(&answer), ["a_00001_.png", "b_00001_.png"]);
    let [lost] = &summary(&answer)["not_delivered"].as_array().unwrap()[..] else { panic!("{answer:?}") };
    let error = lost["error"].as_str().unwrap();
    assert_eq!((&lost["node_id"], &lost["filename"]), (&json!("2"), &json!("large_00001_.png")));
    assert!(
        error.contains("large_00001_.png") && error.contains("PLUGIN_MAX_FILE_SIZE") && error.contains("bytes"),
        "{error}"
    );
    assert!(answer.text().contains(&format!("Note: {error}")), "{}", answer.text());

    // Alone, it is the whole of the run.
    let alone = json!({"4": load("Photo"), "2": save("4")});
    let large = on.file("photo.png", "image/png", png(&noise()));
    let error = refusal(on.run(&alone, json!({"images": [large]})).await);
    assert!(error.message.starts_with("the workflow ran, but result_0000"), "{}", error.message);
    assert!(!on.plugin.stderr().contains(TOKEN));
}

#[tokio::test]
async fn a_file_that_cannot_be_fetched_does_not_hold_up_the_others() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": colour(1), "2": save_as("a", "1"), "3": save_as("b", "1"), "4": save_as("c", "1")});
    on.comfyui.faults().http_status("/view", StatusCode::SERVICE_UNAVAILABLE, 1);
    let answer = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(names(&answer), ["b_00001_.png", "c_00001_.png"]);
    let error = summary(&answer)["not_delivered"][0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("a_00001_.png") && !error.contains("Docker"), "{error}");
}

#[tokio::test]
async fn a_cached_result_whose_file_is_gone_is_made_again() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": colour(7), "2": save_as("a", "1"), "3": save_as("b", "1")});
    assert_eq!(names(&on.run(&workflow, json!({})).await.unwrap()), ["a_00001_.png", "b_00001_.png"]);
    assert_eq!(names(&on.run(&workflow, json!({})).await.unwrap()), ["a_00001_.png", "b_00001_.png"]);
    assert!(on.comfyui.remove_file(Folder::Output, "b_00001_.png"));
    let again = on.run(&workflow, json!({})).await.unwrap();
    assert_eq!(again.files.len(), 2);
    assert_eq!(summary(&again)["not_delivered"], json!([]));
    assert_eq!(on.comfyui.output_names().len(), 2, "only what was gone was made again");
}

#[tokio::test]
async fn the_summary_tells_version_times_and_types() {
    let on = OnEmulator::start().await;
    let answer = on.run(&json!({"1": colour(1), "2": save("1")}), json!({})).await.unwrap();
    let told = summary(&answer);
    assert_eq!(told["server_version"], "0.33.0");
    assert!(told["run_seconds"].as_f64().is_some() && told["queued_seconds"].as_f64().is_some(), "{told}");
    assert_eq!(told["outputs"][0]["media_type"], "image/png");
    assert_eq!(answer.text(), "The workflow made 1 file: result_00001_.png.");
    // A version is worth telling, not worth failing for.
    on.comfyui.faults().plan(None, "/system_stats", Fault::LoseAnswer, None);
    let answer = on.run(&json!({"1": colour(2), "2": save("1")}), json!({})).await.unwrap();
    assert_eq!(summary(&answer)["server_version"], json!(null));
}
