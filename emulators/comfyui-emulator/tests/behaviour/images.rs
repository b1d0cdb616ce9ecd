//! Nodes that really run.

use comfyui_emulator::{ComfyUiEmulator, Folder};
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use crate::driver::{empty_image, png, run, save, start, test_picture};

/// Runs node "2" on a loaded picture and reads what was saved.
async fn through(server: &ComfyUiEmulator, picture: &RgbImage, node: Value) -> RgbImage {
    server.put_input("in.png", png(picture)).unwrap();
    let load = json!({"class_type": "LoadImage", "inputs": {"image": "in.png"}});
    let entry = run(server, &json!({"1": load, "2": node, "3": save("2")})).await;
    assert_eq!(entry["status"]["status_str"], "success", "{entry}");
    saved(server, &entry["outputs"]["3"]["images"][0])
}

fn saved(server: &ComfyUiEmulator, file: &Value) -> RgbImage {
    assert_eq!(file["type"], "output");
    let bytes = server.file(Folder::Output, file["filename"].as_str().unwrap()).unwrap().unwrap();
    image::load_from_memory(&bytes).unwrap().to_rgb8()
}

#[tokio::test]
async fn the_negative_of_a_picture_is_exactly_that() {
    let server = start().await;
    let picture = test_picture();
    let node = json!({"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}});
    let inverted = through(&server, &picture, node).await;
    for (pixel, negative) in picture.pixels().zip(inverted.pixels()) {
        for (byte, other) in pixel.0.into_iter().zip(negative.0) {
            // ComfyUI computes in 32-bit floats and truncates, which can lose one.
            let exact = ((1.0 - f32::from(byte) / 255.0) * 255.0) as u8;
            assert_eq!(other, exact);
            assert!((255 - byte) - other <= 1);
        }
    }
}

#[tokio::test]
async fn pictures_turn_flip_and_are_cut() {
    let server = start().await;
    let picture = RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8 * 10, y as u8 * 10, 0]));
    let node = |class: &str, more: Value| {
        let mut inputs = json!({"image": ["1", 0]});
        inputs.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"class_type": class, "inputs": inputs})
    };
    let turned = through(&server, &picture, node("ImageRotate", json!({"rotation": "90 degrees"}))).await;
    assert_eq!(turned, image::imageops::rotate90(&picture));
    let turned = through(&server, &picture, node("ImageRotate", json!({"rotation": "270 degrees"}))).await;
    assert_eq!(turned, image::imageops::rotate270(&picture));
    let method = json!({"flip_method": "y-axis: horizontally"});
    let flipped = through(&server, &picture, node("ImageFlip", method)).await;
    assert_eq!(flipped, image::imageops::flip_horizontal(&picture));
    let area = json!({"x": 1, "y": 1, "width": 50, "height": 50});
    let cut = through(&server, &picture, node("ImageCrop", area)).await;
    assert_eq!(cut, image::imageops::crop_imm(&picture, 1, 1, 2, 1).to_image());
}

#[tokio::test]
async fn a_side_of_0_keeps_the_shape() {
    let server = start().await;
    for (width, height, expected) in [(8, 0, (8, 8)), (0, 4, (4, 4)), (0, 0, (16, 16)), (5, 9, (5, 9))] {
        let inputs = json!({
            "image": ["1", 0], "upscale_method": "bicubic", "width": width, "height": height,
            "crop": "center",
        });
        let node = json!({"class_type": "ImageScale", "inputs": inputs});
        assert_eq!(through(&server, &test_picture(), node).await.dimensions(), expected);
    }
}

#[tokio::test]
async fn batches_are_saved_one_by_one_and_masks_come_from_alpha() {
    let server = start().await;
    let picture = image::RgbaImage::from_fn(8, 8, |x, _| image::Rgba([0, 0, 0, x as u8 * 30]));
    let mut bytes = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    server.put_input("alpha.png", bytes).unwrap();
    let entry = run(
        &server,
        &json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "alpha.png [input]"}},
            "2": {"class_type": "InvertMask", "inputs": {"mask": ["1", 1]}},
            "4": {"class_type": "MaskToImage", "inputs": {"mask": ["2", 0]}},
            "5": empty_image(4, 0xff0000),
            "6": {"class_type": "ImageBatch", "inputs": {"image1": ["4", 0], "image2": ["5", 0]}},
            "3": save("6"),
        }),
    )
    .await;
    let images = entry["outputs"]["3"]["images"].as_array().unwrap();
    let names: Vec<&str> = images.iter().map(|i| i["filename"].as_str().unwrap()).collect();
    assert_eq!(names, ["x_00001_.png", "x_00002_.png"]);
    let mask = saved(&server, &images[0]);
    for x in 0..8_u8 {
        assert!(mask.get_pixel(u32::from(x), 3).0[0].abs_diff(x * 30) <= 1);
    }
    let red = saved(&server, &images[1]);
    assert_eq!(red.dimensions(), (8, 8));
    assert_eq!(red.get_pixel(4, 4).0, [255, 0, 0]);
}

#[tokio::test]
async fn a_png_carries_its_prompt_and_workflow() {
    let server = start().await;
    let prompt = json!({"1": empty_image(4, 0), "3": save("1")});
    let mut socket = crate::driver::Socket::open(&server, "a").await;
    let body = json!({
        "prompt": prompt, "client_id": "a",
        "extra_data": {"extra_pnginfo": {"workflow": {"z": 1, "a": "é"}}},
    });
    assert_eq!(crate::driver::post(&server, "/prompt", &body).await.status(), 200);
    socket.frames_until_end().await;
    let bytes = server.file(Folder::Output, "x_00001_.png").unwrap().unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&bytes[..])).read_info().unwrap();
    let texts = &reader.info().uncompressed_latin1_text;
    assert_eq!(texts[0].keyword, "prompt");
    assert_eq!(serde_json::from_str::<Value>(&texts[0].text).unwrap(), prompt);
    assert_eq!((&*texts[1].keyword, &*texts[1].text), ("workflow", r#"{"z": 1, "a": "\u00e9"}"#));
}

#[tokio::test]
async fn every_way_to_blend_and_pad_gives_a_picture() {
    let server = start().await;
    for mode in ["normal", "multiply", "screen", "overlay", "soft_light", "difference"] {
        let entry = run(
            &server,
            &json!({
                "1": empty_image(4, 0x808080),
                "2": empty_image(8, 0xff0000),
                "4": {"class_type": "ImageBlend", "inputs": {
                    "image1": ["1", 0], "image2": ["2", 0], "blend_factor": 1, "blend_mode": mode,
                }},
                "3": save("4"),
            }),
        )
        .await;
        let pixel = saved(&server, &entry["outputs"]["3"]["images"][0]).get_pixel(1, 1).0;
        let expected: [u8; 3] = match mode {
            "normal" => [255, 0, 0],
            "multiply" => [128, 0, 0],
            "screen" => [255, 128, 128],
            "overlay" => [255, 1, 1],
            "soft_light" => [181, 64, 64],
            _ => [0, 128, 128],
        };
        for (got, wanted) in pixel.into_iter().zip(expected) {
            assert!(got.abs_diff(wanted) <= 1, "{mode}: {pixel:?}");
        }
    }
    let pad = json!({"class_type": "ImagePadForOutpaint", "inputs": {
        "image": ["1", 0], "left": 8, "top": 0, "right": 0, "bottom": 8, "feathering": 2,
    }});
    let padded = through(&server, &test_picture(), pad).await;
    assert_eq!(padded.dimensions(), (24, 24));
    assert_eq!(padded.get_pixel(0, 0).0, [127; 3]);
    assert_eq!(padded.get_pixel(8, 0), test_picture().get_pixel(0, 0));
}
