//! Nothing grows without a bound.

use comfyui_emulator::ComfyUiEmulator;
use serde_json::json;

use crate::driver::{client, empty_image, file, get_json, run, save, start, upload};

#[tokio::test]
async fn a_body_of_more_than_100_mib_is_refused() {
    let server = start().await;
    let response =
        client().post(format!("{}/upload/image", server.url())).body(vec![0_u8; 104_857_601]).send().await.unwrap();
    assert_eq!(response.status(), 413);
    assert_eq!(response.text().await.unwrap(), "Maximum request body size 104857600 exceeded.");
}

#[tokio::test]
async fn memory_for_files_ends() {
    let server = ComfyUiEmulator::builder().memory_limit(1_000).start().await.unwrap();
    assert_eq!(upload(&server, "/upload/image", file("a", vec![0; 900])).await.status(), 200);
    assert_eq!(upload(&server, "/upload/image", file("b", vec![0; 900])).await.status(), 500);
    let entry = run(&server, &json!({"1": empty_image(64, 1), "3": save("1")})).await;
    let error = &entry["status"]["messages"][2][1];
    assert_eq!(error["exception_type"], "OSError");
    assert!(get_json(&server, "/system_stats").await["system"]["ram_free"].as_u64() <= Some(100));
}

#[tokio::test]
async fn a_batch_that_is_too_big_fails_and_takes_no_memory() {
    let server = start().await;
    let inputs = json!({"width": 16_384, "height": 16_384, "batch_size": 4_096, "color": 0});
    let node = json!({"class_type": "EmptyImage", "inputs": inputs});
    let entry = run(&server, &json!({"1": node, "3": save("1")})).await;
    assert_eq!(entry["status"]["messages"][2][1]["exception_type"], "RuntimeError");
}
