//! Files that are no pictures under the names of pictures: ComfyUI asks two libraries one after the other, and which of
//! them fails depends on the name. As tried out on a ComfyUI 0.33.0.

use serde_json::json;

use crate::driver::{run, start};

#[tokio::test]
async fn the_exception_is_that_of_the_library_that_was_asked_last() {
    let server = start().await;
    let cases = [
        ("a.png", "not a picture", "PIL.UnidentifiedImageError"),
        ("A.JPG", "not a picture", "PIL.UnidentifiedImageError"),
        ("a.webp", "not a picture", "PIL.UnidentifiedImageError"),
        ("a.tiff", "not a picture", "PIL.UnidentifiedImageError"),
        ("a.tga", "not a picture", "PIL.UnidentifiedImageError"),
        ("a.gif", "not a picture", "av.error.EOFError"),
        ("a.avif", "not a picture", "av.error.InvalidDataError"),
        ("a.ico", "not a picture", "av.error.InvalidDataError"),
        ("a.mp4", "not a picture", "av.error.InvalidDataError"),
        ("a", "not a picture", "av.error.InvalidDataError"),
        ("empty.png", "", "av.error.InvalidDataError"),
        ("half.mp4", "\u{89}PNG\r\n\u{1a}\n", "PIL.UnidentifiedImageError"),
    ];
    for (name, content, exception) in cases {
        let bytes: Vec<u8> = content.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        server.put_input(name, bytes).unwrap();
        let load = json!({"class_type": "LoadImage", "inputs": {"image": name}});
        let show = json!({"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}});
        let entry = run(&server, &json!({"1": load, "2": show})).await;
        let messages = entry["status"]["messages"].as_array().unwrap();
        let error = messages.iter().find(|message| message[0] == "execution_error").unwrap();
        assert_eq!(error[1]["exception_type"], exception, "{name}");
    }
}
