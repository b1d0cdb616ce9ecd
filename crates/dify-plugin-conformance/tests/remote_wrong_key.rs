//! A wrong key is one clear line and the end, also when the server's word of it is lost on the way.

#![allow(clippy::unwrap_used)]

use dify_plugin_host::{DebuggingFault, DebuggingServer, DifyHost};

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, refused};

const WRONG: &str = "11111111-2222-3333-4444-555555555555";

fn with_wrong_key(server: &DebuggingServer) -> Laptop {
    let mut environment = server.environment();
    environment[2].1 = WRONG.to_owned();
    Laptop::start(&environment)
}

#[tokio::test]
async fn a_wrong_key_ends_the_plugin_with_a_word_of_what_to_do() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let laptop = with_wrong_key(&server);
    assert_eq!(refused(&server).await, "handshake failed, invalid key");
    let (status, lines) = laptop.ends().await;
    assert_eq!(status.code(), Some(1));
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(
        lines[1],
        format!(
            "vec_tool 0.0.1: the Dify at {} does not know the key (handshake failed, invalid key). Keys live 120 minutes: \
             copy a fresh one from Dify's Plugins page, behind the bug icon, into REMOTE_INSTALL_KEY, and start the \
             plugin again.",
            server.address()
        )
    );
    assert!(!lines.concat().contains(WRONG));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn resets_without_a_word_end_it_as_well_and_name_the_key() {
    for fault in [DebuggingFault::ResetAfterHandshake, DebuggingFault::Reset] {
        let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
        for _ in 0..3 {
            server.fault(fault.clone());
        }
        let (status, lines) = Laptop::start_for(&server).ends().await;
        assert_eq!(status.code(), Some(1));
        let last = lines.last().unwrap();
        assert!(last.contains("hung up 3 times without a word") && last.contains("REMOTE_INSTALL_KEY"), "{lines:#?}");
        assert!(!lines.concat().contains(server.key()));
        assert_eq!(server.connections(), 3);
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_key_does_not_get_it_shown() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let bytes = format!("no such key: {}\n", server.key()).into_bytes();
    server.fault(DebuggingFault::Says { bytes, dribbling: false, hang_up: true });
    let (status, lines) = Laptop::start_for(&server).ends().await;
    assert_eq!(status.code(), Some(1));
    assert!(lines.last().unwrap().ends_with("refuses the plugin: no such key: (the key)"), "{lines:#?}");
}

#[tokio::test]
async fn without_a_key_it_does_not_start() {
    let (status, lines) = Laptop::start(&[("INSTALL_METHOD", "remote".to_owned())]).ends().await;
    assert_eq!(status.code(), Some(1));
    assert!(lines.len() == 1 && lines[0].contains("REMOTE_INSTALL_KEY"), "{lines:#?}");
}
