//! What ran once does not run again.

use comfyui_emulator::ComfyUiEmulator;
use serde_json::{Value, json};

use crate::driver::{Socket, as_json, empty_image, png, save, start, submit, test_picture};

/// Which nodes were cached, which ran, and what the output told.
async fn run(server: &ComfyUiEmulator, prompt: &Value) -> (Value, Vec<String>, Value) {
    let mut socket = Socket::open(server, "me").await;
    submit(server, prompt, "me").await;
    let frames: Vec<Value> = socket.frames_until_end().await.iter().filter_map(as_json).collect();
    let of = |kind: &'static str| frames.iter().filter(move |frame| frame["type"] == kind);
    let cached = of("execution_cached").next().unwrap()["data"]["nodes"].clone();
    let ran = of("executing").filter_map(|frame| frame["data"]["node"].as_str());
    let told = of("executed").next().unwrap()["data"]["output"].clone();
    (cached, ran.map(str::to_owned).collect(), told)
}

#[tokio::test]
async fn the_same_prompt_again_tells_the_same_file() {
    let server = start().await;
    let prompt = json!({"1": empty_image(4, 7), "3": save("1")});
    let (cached, ran, told) = run(&server, &prompt).await;
    assert_eq!((cached, ran), (json!([]), vec!["1".to_owned(), "3".to_owned()]));
    let (cached, ran, again) = run(&server, &prompt).await;
    assert_eq!((cached, ran), (json!(["1", "3"]), Vec::new()));
    assert_eq!(told, again);
    assert_eq!(server.output_names(), ["x_00001_.png"]);
}

#[tokio::test]
async fn a_file_that_changed_is_read_again() {
    let server = start().await;
    let load = json!({"class_type": "LoadImage", "inputs": {"image": "a.png"}});
    let prompt = json!({"1": load, "3": save("1")});
    server.put_input("a.png", png(&test_picture())).unwrap();
    run(&server, &prompt).await;
    assert_eq!(run(&server, &prompt).await.0, json!(["1", "3"]));
    server.put_input("a.png", png(&image::RgbImage::new(2, 2))).unwrap();
    assert_eq!(run(&server, &prompt).await.0, json!([]));
}

#[tokio::test]
async fn freed_memory_is_empty() {
    let server = start().await;
    let prompt = json!({"1": empty_image(4, 7), "3": save("1")});
    run(&server, &prompt).await;
    crate::driver::post(&server, "/free", &json!({"free_memory": true})).await;
    assert_eq!(run(&server, &prompt).await.0, json!([]));
}
