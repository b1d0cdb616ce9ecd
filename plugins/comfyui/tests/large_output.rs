//! Files of every size arrive in Dify byte for byte, and the plugin's memory stays as small as it was.

#![allow(clippy::unwrap_used)]

#[path = "plugin/long_film.rs"]
mod long_film;
#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use comfyui_emulator::{Execution, Files, Folder, Inputs, Node, NodeDefinition, NodeError, NodeOutput, Schema};
use dify_plugin_host::{Answer, CallRequest, Carrier, DifyHost, UploadEndpoint};
use dify_plugin_protocol::limits::MERGED_FILE_OLDER;
use long_film::{Comparison, GROWTH, MB, film};
use on_emulator::{OnEmulator, colour, save, summary};
use serde_json::{Map, Value, json};

const FILE: &str = "film_00001_.mp4";

/// A node that saved a file earlier, as one that calls an encoder.
struct SaveFilm;

impl Node for SaveFilm {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("SaveFilm", "Save Film", Schema::V1).output_node()
    }

    fn execute(&self, _: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let ui = json!({"images": [{"filename": FILE, "subfolder": "films", "type": "output"}], "animated": [true]});
        let ui = ui.as_object().cloned().unwrap_or_else(Map::new);
        Ok(NodeOutput { values: Vec::new(), ui })
    }
}

/// A Dify that merges files up to `limit` bytes and says so, and a server that has the film.
async fn start(limit: u64, film: &Comparison) -> OnEmulator {
    let uploaded = film.clone();
    let uploads = UploadEndpoint::builder().files_to(move |_| Ok(Box::new(uploaded.clone()))).start().await.unwrap();
    let dify = DifyHost::builder().uploads(uploads.clone()).merged_file_limit(limit).strict(true).build();
    let on = OnEmulator::start_in(
        &dify,
        uploads,
        |comfyui| comfyui.node(SaveFilm),
        |command| {
            command.env("PLUGIN_MAX_FILE_SIZE", limit.to_string());
        },
    )
    .await;
    on.comfyui.put_file(Folder::Output, &format!("films/{FILE}"), film.expected.clone()).unwrap();
    on
}

/// Brings the film through the plugin. Gives the answer, and by how much the plugin's memory grew at most.
async fn bring(on: &OnEmulator, film: &Comparison) -> (Answer, u64) {
    // The first picture opens connections and fills buffers, once for all.
    on.run(&json!({"1": colour(0), "2": save("1")}), json!({})).await.unwrap();
    let before = on.plugin.rss_bytes().unwrap();
    let merged = film.clone();
    let call = CallRequest::from(on.call(&json!({"1": {"class_type": "SaveFilm", "inputs": {}}}), json!({})));
    let answer = on.plugin.call(call.files_to(move |_| Ok(Box::new(merged.clone())))).await.unwrap();
    let growth = on.plugin.peak_rss_bytes().unwrap().saturating_sub(before);
    eprintln!("{} MB: from {before} bytes by at most {growth}", film.expected.len() / MB);
    (answer, growth)
}

fn check(on: &OnEmulator, answer: &Answer, film: &Comparison, carrier: Carrier) {
    assert_eq!(film.equal_bytes(), film.expected.len());
    let [file] = &answer.files[..] else { panic!("{:?}", answer.messages) };
    assert_eq!((file.carrier, file.size), (carrier, film.expected.len() as u64));
    assert_eq!((file.name.as_deref(), file.media_type.as_deref()), (Some(FILE), Some("video/mp4")));
    let outputs = &summary(answer)["outputs"];
    let expected: Value = json!([{"node_id": "1", "title": null, "filename": FILE, "subfolder": "films",
        "type": "output", "media_type": "video/mp4", "size": film.expected.len()}]);
    assert_eq!(outputs, &expected);
    on.assert_well_behaved();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dify_does_not_merge_is_uploaded_and_linked() {
    let film = Comparison::with(film(31 * MB + 457_281));
    let on = start(MERGED_FILE_OLDER, &film).await;
    let (answer, _) = bring(&on, &film).await;
    check(&on, &answer, &film, Carrier::Link);
    assert_eq!(on.uploads.file_count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dify_just_merges_goes_as_chunks() {
    let film = Comparison::with(film(usize::try_from(MERGED_FILE_OLDER).unwrap()));
    let on = start(MERGED_FILE_OLDER, &film).await;
    let (answer, _) = bring(&on, &film).await;
    check(&on, &answer, &film, Carrier::Chunks);
    assert_eq!(on.uploads.file_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_film_goes_as_chunks_in_little_memory() {
    let film = Comparison::with(film(300 * MB));
    let on = start(400 * MB as u64, &film).await;
    let (answer, growth) = bring(&on, &film).await;
    check(&on, &answer, &film, Carrier::Chunks);
    assert!(growth < GROWTH, "the plugin's memory grew by {growth} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_film_is_uploaded_in_little_memory() {
    let film = Comparison::with(film(300 * MB));
    let on = start(MERGED_FILE_OLDER, &film).await;
    let (answer, growth) = bring(&on, &film).await;
    check(&on, &answer, &film, Carrier::Link);
    assert!(growth < GROWTH, "the plugin's memory grew by {growth} bytes");
}
