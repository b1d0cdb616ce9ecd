//! Uploads and what `/view` gives back.

use comfyui_emulator::{ComfyUiEmulator, Folder};
use image::{Rgba, RgbaImage};
use serde_json::{Value, json};

use crate::driver::{file, get, png, start, test_picture, upload};

async fn uploaded(server: &ComfyUiEmulator, name: &str, bytes: &[u8]) -> Value {
    let response = upload(server, "/upload/image", file(name, bytes)).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_name_that_is_taken_gets_a_number_unless_the_bytes_are_the_same() {
    let server = start().await;
    let name = async |bytes: &[u8]| uploaded(&server, "a.png", bytes).await["name"].clone();
    assert_eq!(name(b"one").await, "a.png");
    assert_eq!(name(b"one").await, "a.png");
    assert_eq!(name(b"two").await, "a (1).png");
    assert_eq!(name(b"three").await, "a (2).png");
    assert_eq!(name(b"two").await, "a (1).png");
    let form = file("a.png", *b"new").text("overwrite", "true");
    let response: Value = upload(&server, "/upload/image", form).await.json().await.unwrap();
    assert_eq!(response, json!({"name": "a.png", "subfolder": "", "type": "input"}));
    assert_eq!(server.file(Folder::Input, "a.png").unwrap().unwrap(), "new");
}

#[tokio::test]
async fn subfolder_and_type_are_kept() {
    let server = start().await;
    let form = file("a.png", *b"x").text("subfolder", "s/t").text("type", "temp");
    let response: Value = upload(&server, "/upload/image", form).await.json().await.unwrap();
    assert_eq!(response, json!({"name": "a.png", "subfolder": "s/t", "type": "temp"}));
    assert_eq!(server.file_names(Folder::Temp), ["s/t/a.png"]);
}

/// As a real server does, which makes the subfolder's directories and no others.
#[tokio::test]
async fn a_directory_in_a_file_name_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let on_disk = ComfyUiEmulator::builder().data_dir(directory.path()).start().await.unwrap();
    for server in [start().await, on_disk] {
        let status = async |form| upload(&server, "/upload/image", form).await.status().as_u16();
        assert_eq!(status(file("s/t/a.png", *b"x")).await, 500);
        assert_eq!(status(file("t/a.png", *b"x").text("subfolder", "s")).await, 500);
        assert!(server.file_names(Folder::Input).is_empty());
        assert_eq!(status(file("a.png", *b"x").text("subfolder", "s/t")).await, 200);
        assert_eq!(uploaded(&server, "s/t/b.png", b"x").await["name"], "s/t/b.png");
        assert_eq!(uploaded(&server, "s/c.png", b"x").await["name"], "s/c.png");
        assert_eq!(server.file_names(Folder::Input), ["s/c.png", "s/t/a.png", "s/t/b.png"]);
    }
}

#[tokio::test]
async fn nothing_leaves_its_folder() {
    let server = start().await;
    for (form, status) in [
        (file("../evil.png", *b"x"), 400),
        (file("/etc/evil.png", *b"x"), 400),
        (file("a.png", *b"x").text("subfolder", "../../x"), 400),
        (file("a.png", *b"x").text("type", "bogus"), 500),
    ] {
        assert_eq!(upload(&server, "/upload/image", form).await.status(), status);
    }
    for (query, status) in [
        ("filename=../a.png&type=input", 400),
        ("filename=/etc/passwd&type=input", 400),
        ("filename=a.png&type=input&subfolder=../..", 403),
        ("filename=a.png&type=other", 400),
        ("filename=a.png", 404),
        ("type=input", 404),
    ] {
        let response = get(&server, &format!("/view?{query}")).send().await.unwrap();
        assert_eq!(response.status(), status, "{query}");
        assert!(response.bytes().await.unwrap().is_empty());
    }
    for folder in [Folder::Input, Folder::Output, Folder::Temp] {
        assert!(server.file_names(folder).is_empty());
    }
}

#[tokio::test]
async fn a_file_on_disk_is_the_same_as_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let server = ComfyUiEmulator::builder().data_dir(directory.path()).start().await.unwrap();
    uploaded(&server, "é x.png", b"bytes").await;
    assert_eq!(std::fs::read(directory.path().join("input/é x.png")).unwrap(), b"bytes");
    let response = get(&server, "/view?filename=%C3%A9%20x.png&type=input").send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap(), "bytes");
}

#[tokio::test]
async fn ranges_and_tags_work() {
    let server = start().await;
    server.put_input("a.txt", "0123456789").unwrap();
    let path = "/view?filename=a.txt&type=input";
    let part = get(&server, path).header("range", "bytes=2-4").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    let tag = part.headers()["etag"].clone();
    assert_eq!(part.bytes().await.unwrap(), "234");
    let same = get(&server, path).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(same.status(), 304);
    let beyond = get(&server, path).header("range", "bytes=10-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
    for absent in ["accept-ranges", "etag", "last-modified"] {
        assert!(!beyond.headers().contains_key(absent), "{absent}");
    }
}

#[tokio::test]
async fn channels_and_previews_are_converted() {
    let server = start().await;
    let picture = RgbaImage::from_fn(8, 4, |x, _| Rgba([9, 8, 7, x as u8]));
    let mut bytes = Vec::new();
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    server.put_input("a.png", bytes).unwrap();
    let view = async |more: &str| {
        let path = format!("/view?filename=a.png&type=input{more}");
        let response = get(&server, &path).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, image::load_from_memory(&response.bytes().await.unwrap()).unwrap())
    };
    let (kind, alpha) = view("&channel=a").await;
    assert_eq!(kind, "image/png");
    assert_eq!(alpha.to_rgba8().get_pixel(5, 1).0, [0, 0, 0, 5]);
    let (_, opaque) = view("&channel=rgb").await;
    assert!(!opaque.color().has_alpha());
    assert_eq!(opaque.to_rgb8().get_pixel(5, 1).0, [9, 8, 7]);
    assert_eq!(view("&preview=jpeg;50").await.0, "image/jpeg");
    assert_eq!(view("&preview=webp;90").await.0, "image/webp");
}

#[tokio::test]
async fn a_mask_becomes_the_alpha_of_the_picture_it_names() {
    let server = start().await;
    server.put_input("a.png", png(&test_picture())).unwrap();
    let mask = RgbaImage::from_fn(16, 16, |x, y| Rgba([0, 0, 0, (x + y) as u8]));
    let mut bytes = Vec::new();
    mask.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    let reference = json!({"filename": "a.png", "type": "input", "subfolder": ""});
    let form = file("m.png", bytes).text("original_ref", reference.to_string());
    assert_eq!(upload(&server, "/upload/mask", form).await.status(), 200);
    let stored = server.file(Folder::Input, "m.png").unwrap().unwrap();
    let stored = image::load_from_memory(&stored).unwrap().to_rgba8();
    let [r, g, b] = test_picture().get_pixel(3, 4).0;
    assert_eq!(stored.get_pixel(3, 4).0, [r, g, b, 7]);
}
