//! Sockets and who they belong to.

use serde_json::json;

use crate::driver::{Socket, empty_image, save, start, submit};

#[tokio::test]
async fn the_second_socket_of_a_client_takes_the_place_of_the_first() {
    let server = start().await;
    let mut first = Socket::open(&server, "me").await;
    let mut second = Socket::open(&server, "me").await;
    let prompt = |color| json!({"1": empty_image(4, color), "3": save("1")});
    submit(&server, &prompt(1), "me").await;
    second.frames_until_end().await;
    assert!(first.is_silent().await);
    // When the first goes, it takes the second one's place with it.
    drop(first);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    submit(&server, &prompt(2), "me").await;
    assert!(second.is_silent().await);
}

#[tokio::test]
async fn a_socket_without_an_id_is_given_one() {
    let server = start().await;
    let mut socket = Socket::connect(&server, "").await.unwrap();
    let first = socket.next_json().await.unwrap();
    let sid = first["data"]["sid"].as_str().unwrap();
    assert_eq!(sid.len(), 32);
    submit(&server, &json!({"1": empty_image(4, 1), "3": save("1")}), sid).await;
    socket.frames_until_end().await;
}

#[tokio::test]
async fn others_only_see_the_queue_grow_and_shrink() {
    let server = start().await;
    let mut me = Socket::open(&server, "me").await;
    let mut other = Socket::open(&server, "other").await;
    submit(&server, &json!({"1": empty_image(4, 1), "3": save("1")}), "me").await;
    me.frames_until_end().await;
    for remaining in [1, 1, 0] {
        let frame = other.next_json().await.unwrap();
        assert_eq!(frame["type"], "status");
        assert_eq!(frame["data"]["status"]["exec_info"]["queue_remaining"], remaining);
    }
    assert!(other.is_silent().await);
}
