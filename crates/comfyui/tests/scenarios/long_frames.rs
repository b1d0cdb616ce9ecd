//! Frames that are longer than any picture are not taken into memory.

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::any;
use comfyui::{ClientError, ComfyUi, Credentials, Event, ServerAddress};
use origin_client::Connections;

/// The longest frame that is read.
const LONGEST: usize = 64 << 20;

/// A server whose sockets say one frame of as many bytes.
async fn client_of_a_server_that_says(bytes: usize) -> ComfyUi {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let say = move |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(move |mut socket| async move {
            // A preview in JPEG, for all that its first bytes say. The client may be gone before its last.
            let mut frame = vec![0, 0, 0, 1, 0, 0, 0, 1];
            frame.resize(bytes, 0);
            let _ = socket.send(Message::Binary(frame.into())).await;
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    let router = Router::new().route("/ws", any(say));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let address = ServerAddress::parse(&url).unwrap();
    ComfyUi::new(address, Credentials::default(), &Connections::new().unwrap()).unwrap()
}

#[tokio::test]
async fn the_longest_frame_is_read_and_a_longer_one_ends_the_socket() {
    let mut events = client_of_a_server_that_says(LONGEST).await.open_events("c").await.unwrap();
    let Some(Event::Preview { image, .. }) = events.next().await.unwrap() else { panic!("another event") };
    assert_eq!(image.len(), LONGEST - 8);

    let mut events = client_of_a_server_that_says(LONGEST + 1).await.open_events("c").await.unwrap();
    let error = events.next().await.unwrap_err();
    assert!(matches!(&error, ClientError::WebSocket { reason } if reason.contains("too long")), "{error}");
}
