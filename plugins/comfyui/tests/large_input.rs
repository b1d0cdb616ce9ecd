//! A picture of any size goes from Dify to ComfyUI byte for byte, and the plugin's memory stays as small as it was.

#![allow(clippy::unwrap_used)]

#[path = "plugin/long_film.rs"]
mod long_film;
#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use comfyui_emulator::Folder;
use dify_plugin_host::FileContent;
use long_film::{GROWTH, MB, film};
use on_emulator::{OnEmulator, colour, load, refusal, save};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_picture_goes_in_in_little_memory() {
    let on = OnEmulator::start().await;
    // The first run opens connections and fills buffers, once for all.
    on.run(&json!({"1": colour(0), "2": save("1")}), json!({})).await.unwrap();
    let before = on.plugin.rss_bytes().unwrap();

    // Below the 100 MB that ComfyUI takes. The node sees that it is no picture, when all of it is there.
    let picture = film(95 * MB);
    let file = on.files.add("scan.png", "image/png", FileContent::Bytes(picture.clone()));
    let parameters = json!({"images": [on.files.parameter_json(&file)]});
    let error = refusal(on.run(&json!({"1": load("Scan"), "2": save("1")}), parameters).await);
    assert!(error.message.contains(r#"node 1 "Scan" (LoadImage)"#), "{}", error.message);

    let growth = on.plugin.peak_rss_bytes().unwrap().saturating_sub(before);
    eprintln!("95 MB: from {before} bytes by at most {growth}");
    assert!(on.comfyui.file(Folder::Input, "scan.png").unwrap().unwrap() == picture, "the bytes are others");
    assert!(growth < GROWTH, "the plugin's memory grew by {growth} bytes");
    on.assert_well_behaved();
}
