//! Starting and stopping.

use std::time::{Duration, Instant};

use comfyui_emulator::{ComfyUiEmulator, StartError};

use crate::driver::{Socket, client, get, start, submit, text_to_image};

async fn slow() -> ComfyUiEmulator {
    ComfyUiEmulator::builder().step_delay(Duration::from_secs(60)).start().await.unwrap()
}

#[tokio::test]
async fn stopping_ends_sockets_and_a_node_that_sleeps() {
    let server = slow().await;
    let mut socket = Socket::open(&server, "me").await;
    submit(&server, &text_to_image("x", 1, 9), "me").await;
    socket.wait_for("executing").await;
    let url = format!("{}/prompt", server.url());
    let start = Instant::now();
    server.stop().await;
    assert!(start.elapsed() < Duration::from_secs(10));
    while socket.next().await.is_some() {}
    assert!(client().get(url).send().await.is_err());
}

#[tokio::test]
async fn dropping_is_stopping() {
    let server = slow().await;
    let mut socket = Socket::open(&server, "me").await;
    let url = format!("{}/prompt", server.url());
    drop(server);
    assert!(socket.next().await.is_none());
    let deadline = Instant::now() + Duration::from_secs(5);
    while client().get(&url).send().await.is_ok() {
        assert!(Instant::now() < deadline, "still there");
    }
}

#[tokio::test]
async fn a_port_is_had_once_and_free_again_afterwards() {
    let first = start().await;
    let port: u16 = first.url().rsplit(':').next().unwrap().parse().unwrap();
    let second = ComfyUiEmulator::builder().port(port).start().await;
    assert!(matches!(second, Err(StartError::Listen { port: taken, .. }) if taken == port));
    first.stop().await;
    let again = ComfyUiEmulator::builder().port(port).start().await.unwrap();
    assert_eq!(get(&again, "/prompt").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_answer_under_way_is_still_given() {
    let server = start().await;
    server.faults().delay_history(Duration::from_millis(400));
    let answer = tokio::spawn(get(&server, "/history").send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.stop().await;
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}
