//! Which picture goes to which node, and that nothing is sent anywhere when they do not fit.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use comfyui_emulator::Folder;
use dify_plugin_host::{Answer, CallFailure};
use on_emulator::{OnEmulator, load, refusal, save};
use pictures::{pixels, plain, png};
use serde_json::{Value, json};

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// Two pictures side by side in the answer: what is in node 10 first, then what is in node 2.
fn two_pictures() -> Value {
    json!({"10": load("First"), "2": load("Second"), "11": save("10"), "12": save("2")})
}

/// Runs with a red and a blue picture, in this order.
async fn run(on: &OnEmulator, workflow: &Value, image_ids: &str) -> Result<Answer, CallFailure> {
    let images = [("red.png", RED), ("blue.png", BLUE)];
    let images = images.map(|(name, colour)| on.file(name, "image/png", png(&plain(colour))));
    on.run(workflow, json!({"images": images, "image_ids": image_ids})).await
}

fn came_out(answer: &Answer) -> Vec<[u8; 3]> {
    answer.files.iter().map(|file| pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0).collect()
}

#[tokio::test]
async fn without_ids_the_order_of_the_workflow_counts() {
    let on = OnEmulator::start().await;
    let answer = run(&on, &two_pictures(), "").await.unwrap();
    // The client sees nodes in the file's order, which the call's JSON here has as text.
    assert_eq!(came_out(&answer), [RED, BLUE]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn ids_choose_the_nodes() {
    let on = OnEmulator::start().await;
    assert_eq!(came_out(&run(&on, &two_pictures(), "2, 10").await.unwrap()), [BLUE, RED]);
    assert_eq!(came_out(&run(&on, &two_pictures(), "10,2").await.unwrap()), [RED, BLUE]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_anything_is_sent() {
    let on = OnEmulator::start().await;
    let one = json!({"1": load("Only"), "2": save("1")});
    let refused = [
        (
            refusal(run(&on, &one, "").await),
            "images: blue.png: file 2 of those given (image) has no input left to go to; the workflow has 1 input for a file",
        ),
        (refusal(run(&on, &one, "1").await), "image_ids: 1 image node ids and 2 images were given"),
        (refusal(run(&on, &two_pictures(), "2,7").await), "image_ids: the workflow has no node \"7\""),
        (refusal(run(&on, &two_pictures(), "2,2").await), "image_ids: node 2 \"Second\" (LoadImage) is named twice"),
        (refusal(run(&on, &two_pictures(), "2,11").await), "image_ids: node 11 \"Result\" (SaveImage) takes no image"),
    ];
    for (error, beginning) in refused {
        assert_eq!(error.error_type, "ToolParameterValidationError");
        assert!(error.message.starts_with(beginning), "{}", error.message);
    }
    let document = on.file("notes.pdf", "application/pdf", b"%PDF".to_vec());
    let error = refusal(on.run(&one, json!({"images": [document]})).await);
    assert_eq!(error.message, "images: notes.pdf is not a picture (application/pdf): give it as one of the files");
    assert_eq!(on.comfyui.file_names(Folder::Input), [""; 0]);
    on.assert_well_behaved();
}
