//! Binary frames.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::driver::{Socket, as_json, empty_image, post, start, submit, types};

fn through_the_socket() -> Value {
    let save = json!({"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}});
    json!({"1": empty_image(24, 0x102030), "2": save})
}

#[tokio::test]
async fn who_understands_metadata_gets_it() {
    let server = start().await;
    let mut socket = Socket::open(&server, "me").await;
    socket.send(r#"{"type": "feature_flags", "data": {"supports_preview_metadata": true}}"#).await;
    assert_eq!(socket.wait_for("feature_flags").await["supports_preview_metadata"], true);
    let prompt_id = submit(&server, &through_the_socket(), "me").await;
    let frames = socket.frames_until_end().await;
    let kinds = types(&frames);
    let place = kinds.iter().position(|kind| kind == "type 4").unwrap();
    assert_eq!(kinds[place + 1], "progress");
    let Some(Message::Binary(frame)) = frames.iter().find(|frame| frame.is_binary()) else { panic!("no preview") };
    let length = u32::from_be_bytes(frame[4..8].try_into().unwrap()) as usize;
    let metadata: Value = serde_json::from_slice(&frame[8..8 + length]).unwrap();
    assert_eq!(
        metadata,
        json!({
            "node_id": "2", "prompt_id": prompt_id, "display_node_id": "2",
            "parent_node_id": null, "real_node_id": "2", "image_type": "image/png",
        })
    );
    let picture = image::load_from_memory(&frame[8 + length..]).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (24, 24));
    assert_eq!(picture.get_pixel(3, 3).0, [0x10, 0x20, 0x30]);
}

#[tokio::test]
async fn a_prompt_without_a_client_shows_its_progress_to_everyone() {
    let server = start().await;
    let mut one = Socket::open(&server, "one").await;
    let mut two = Socket::open(&server, "two").await;
    post(&server, "/prompt", &json!({"prompt": through_the_socket()})).await;
    for socket in [&mut one, &mut two] {
        let mut kinds = Vec::new();
        let mut finished = 0;
        while finished < 3 {
            let frame = socket.next().await.unwrap();
            let json = as_json(&frame);
            let kind = json.as_ref().map_or("type 1", |json| json["type"].as_str().unwrap());
            finished += u32::from(kind == "status");
            kinds.push(kind.to_owned());
        }
        assert!(kinds.contains(&"type 1".to_owned()));
        for private in ["execution_start", "executing", "executed", "execution_success"] {
            assert!(!kinds.contains(&private.to_owned()), "{kinds:?}");
        }
        assert!(socket.is_silent().await);
    }
}
