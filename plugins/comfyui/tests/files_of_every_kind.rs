//! Sounds, films, 3D models and pictures find the nodes that load them, as the server declares them.

#![allow(clippy::unwrap_used)]

#[path = "plugin/file_loaders.rs"]
mod file_loaders;
#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use comfyui_emulator::Folder;
use file_loaders::LOADERS;
use on_emulator::{OnEmulator, load, refusal, save};
use pictures::{pixels, plain, png};
use serde_json::{Value, json};

async fn start() -> OnEmulator {
    let with_loaders = |builder| LOADERS.into_iter().fold(builder, comfyui_emulator::ComfyUiEmulatorBuilder::node);
    OnEmulator::start_with(with_loaders, |_| ()).await
}

fn loaders() -> Value {
    json!({
        "1": {"class_type": "Load3D", "inputs": {"model_file": "none"}},
        "2": {"class_type": "LoadVideo", "inputs": {"file": "none"}},
        "3": {"class_type": "LoadAudio", "inputs": {"audio": "none"}, "_meta": {"title": "Song"}},
        "4": load("Photo"),
        "5": save("4"),
        "6": {"class_type": "LoadImageMask", "inputs": {"image": "example.png", "channel": "red"}},
        "7": {"class_type": "MaskToImage", "inputs": {"mask": ["6", 0]}},
        "8": save("7"),
    })
}

#[tokio::test]
async fn each_file_goes_to_the_node_that_loads_its_kind() {
    let on = start().await;
    let files = [
        on.file("song.mp3", "audio/mpeg", b"a song".to_vec()),
        on.file("chair.glb", "model/gltf-binary", b"a chair".to_vec()),
        on.file("film.mp4", "video/mp4", b"a film".to_vec()),
        on.file("mask.png", "image/png", png(&plain([255, 0, 0]))),
    ];
    let photo = on.file("photo.png", "image/png", png(&plain([0, 255, 0])));
    let answer = on.run(&loaders(), json!({"images": [photo], "files": files})).await.unwrap();
    assert_eq!(answer.text(), "Load3D=chair.glb\nLoadVideo=film.mp4\nLoadAudio=song.mp3");
    assert_eq!(on.comfyui.file(Folder::Input, "chair.glb").unwrap().unwrap(), &b"a chair"[..]);
    let colours: Vec<_> =
        answer.files.iter().map(|file| pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0).collect();
    assert_eq!(colours, [[0, 255, 0], [255, 255, 255]], "the photo in LoadImage, the mask in LoadImageMask");
    on.assert_well_behaved();
}

#[tokio::test]
async fn values_may_name_files_by_number_or_name() {
    let on = start().await;
    let files = [on.file("first.mp3", "audio/mpeg", b"1".to_vec()), on.file("second.mp3", "audio/mpeg", b"2".to_vec())];
    let workflow = json!({"3": loaders()["3"], "4": loaders()["3"], "5": loaders()["1"]});
    let inputs = json!({"4.audio": "@first.mp3", "3.audio": "@2", "5.model_file": "@1"}).to_string();
    let answer = on.run(&workflow, json!({"files": files, "inputs": inputs})).await.unwrap();
    assert_eq!(answer.text(), "LoadAudio=second.mp3\nLoadAudio=first.mp3\nLoad3D=first.mp3");
}

#[tokio::test]
async fn a_file_that_fits_nowhere_is_told_before_anything_is_sent() {
    let on = start().await;
    let workflow = json!({"3": loaders()["3"], "4": load("Photo"), "5": save("4")});
    let film = on.file("notes.pdf", "application/pdf", b"%PDF".to_vec());
    let error = refusal(on.run(&workflow, json!({"files": [film]})).await);
    assert_eq!(error.error_type, "ToolParameterValidationError");
    assert!(
        error.message.starts_with("files: notes.pdf: file 1 of those given (file) has no input left"),
        "{}",
        error.message
    );
    assert!(error.message.contains(r#"audio of node 3 "Song" (LoadAudio)"#), "{}", error.message);
    assert_eq!(on.comfyui.file_names(Folder::Input), [""; 0]);
}
