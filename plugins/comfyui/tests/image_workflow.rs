//! A picture goes in, through Dify's file URL and ComfyUI's upload, and another one comes out.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use dify_plugin_host::Carrier;
use image::imageops;
use on_emulator::{OnEmulator, load, save, summary};
use pictures::{photo, pixels, png};
use serde_json::json;

#[tokio::test]
async fn a_photo_comes_back_inverted_pixel_by_pixel() {
    let on = OnEmulator::start().await;
    let photo = photo(640, 480);
    let workflow = json!({
        "1": load("Photo"),
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": save("2"),
    });
    let parameter = on.file("photo.png", "image/png", png(&photo));
    let answer = on.run(&workflow, json!({"images": [parameter]})).await.unwrap();

    // ComfyUI computes in 32-bit floats and cuts off what is behind the point (`nodes.py`, `SaveImage`).
    let mut expected = photo;
    expected.iter_mut().for_each(|sample| *sample = (255.0 * (1.0 - f32::from(*sample) / 255.0)) as u8);
    let [file] = &answer.files[..] else { panic!("{:?}", answer.messages) };
    assert_eq!((file.carrier, file.media_type.as_deref()), (Carrier::Chunks, Some("image/png")));
    assert_eq!(file.name.as_deref(), Some("result_00001_.png"));
    assert!(pixels(file.content.as_deref().unwrap()) == expected, "the pixels are others");

    let summary = summary(&answer);
    assert_eq!(
        summary["outputs"],
        json!([{"node_id": "3", "title": "Result", "filename": "result_00001_.png", "subfolder": "",
            "type": "output", "media_type": "image/png", "size": file.size}])
    );
    assert_eq!(
        (summary["warnings"].clone(), answer.text().as_str()),
        (json!([]), "The workflow made 1 file: result_00001_.png.")
    );
    assert_eq!(answer.variables()["prompt_id"], summary["prompt_id"]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_photo_comes_back_in_another_size() {
    let on = OnEmulator::start().await;
    let workflow = json!({
        "1": load("Photo"),
        "2": {"class_type": "ImageScale",
            "inputs": {"image": ["1", 0], "upscale_method": "nearest-exact", "width": 32, "height": 16, "crop": "disabled"}},
        "3": save("2"),
    });
    let photo = photo(16, 8);
    let answer = on.run(&workflow, json!({"images": [on.file("p.png", "image/png", png(&photo))]})).await.unwrap();
    let expected = imageops::resize(&photo, 32, 16, imageops::FilterType::Nearest);
    assert!(pixels(answer.files[0].content.as_deref().unwrap()) == expected, "the pixels are others");
}

#[tokio::test]
async fn another_picture_of_the_same_name_does_not_take_its_place() {
    let on = OnEmulator::start().await;
    let workflow = json!({"1": load("Photo"), "2": save("1")});
    for picture in [photo(8, 8), photo(9, 9), photo(8, 8)] {
        let parameter = on.file("image.png", "image/png", png(&picture));
        let answer = on.run(&workflow, json!({"images": [parameter]})).await.unwrap();
        assert!(pixels(answer.files[0].content.as_deref().unwrap()) == picture, "another picture came out");
    }
    let names = on.comfyui.file_names(comfyui_emulator::Folder::Input);
    assert!(
        names.iter().any(|name| name == "image.png") && names.iter().any(|name| name == "image (1).png"),
        "{names:?}"
    );
    on.assert_well_behaved();
}

#[tokio::test]
async fn previews_are_brought_only_where_nothing_else_is() {
    let on = OnEmulator::start().await;
    let preview = json!({"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}});
    let both = json!({"1": on_emulator::colour(0x0000ff), "2": preview, "3": save("1")});
    let answer = on.run(&both, json!({})).await.unwrap();
    assert_eq!(summary(&answer)["outputs"].as_array().unwrap().len(), 1);
    assert_eq!(summary(&answer)["outputs"][0]["type"], "output");

    let only = json!({"1": on_emulator::colour(0x0000ff), "2": preview});
    let answer = on.run(&only, json!({})).await.unwrap();
    assert_eq!(summary(&answer)["outputs"][0]["type"], "temp");
    assert!(pixels(answer.files[0].content.as_deref().unwrap()) == pictures::plain([0, 0, 255]));
}
