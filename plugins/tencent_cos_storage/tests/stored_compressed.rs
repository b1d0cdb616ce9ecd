//! Objects that are stored with `Content-Encoding: gzip` reach Dify decoded.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use async_compression::tokio::bufread::GzipEncoder;
use cos_emulator::{Fault, ObjectOptions, Operation, generated_bytes};
use dify_plugin_host::Carrier;
use on_emulator::{BUCKET, OnEmulator, refusal};
use tokio::io::AsyncReadExt;

async fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    GzipEncoder::new(content).read_to_end(&mut encoded).await.unwrap();
    encoded
}

fn stored_as(encoding: &str) -> ObjectOptions {
    ObjectOptions { content_encoding: Some(encoding.to_owned()), ..ObjectOptions::default() }
}

#[tokio::test]
async fn a_small_file_is_decoded() {
    let on = OnEmulator::start().await;
    let content = "报告,hello\n".repeat(1000);
    on.cos.put_object_with(BUCKET, "a/表.csv", gzip(content.as_bytes()).await, stored_as("gzip")).unwrap();
    let file = on.download(BUCKET, "a/表.csv").await.unwrap();
    assert_eq!((file.carrier, file.name.as_deref()), (Carrier::Blob, Some("表.csv")));
    assert_eq!(file.media_type.as_deref(), Some("text/csv"));
    assert_eq!(file.content.as_deref(), Some(content.as_bytes()));
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_large_file_is_decoded_while_it_is_uploaded() {
    let on = OnEmulator::start().await;
    // Half of it compresses, half of it does not.
    let mut content = vec![b'x'; 8_000_000];
    generated_bytes(1, 0, &mut content[..4_000_000]);
    let stored = gzip(&content).await;
    on.cos.put_object_with(BUCKET, "large.log", stored, stored_as("gzip")).unwrap();
    on.cos.faults().inject(Fault::CutBody { after: 1_000_000 }.on(Operation::GetObject));
    let file = on.download(BUCKET, "large.log").await.unwrap();
    assert_eq!((file.carrier, file.size), (Carrier::Link, 8_000_000));
    assert!(file.content.unwrap() == content, "the bytes are others");
    on.assert_well_behaved();
}

#[tokio::test]
async fn damage_is_found_in_what_is_stored() {
    let on = OnEmulator::start().await;
    on.cos.put_object_with(BUCKET, "a.txt", gzip(b"hello").await, stored_as("gzip")).unwrap();
    on.cos.faults().inject(Fault::WrongCrc.times(1));
    let error = refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    assert!(error.message.contains("damaged"), "{}", error.message);
}

#[tokio::test]
async fn what_is_not_gzip_is_said_or_left_as_it_is() {
    let on = OnEmulator::start().await;
    on.cos.put_object_with(BUCKET, "a.txt", "plain", stored_as("gzip")).unwrap();
    let error = refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    assert!(error.message.contains("Content-Encoding says gzip"), "{}", error.message);
    on.cos.put_object_with(BUCKET, "b.txt", "plain", stored_as("identity")).unwrap();
    assert_eq!(on.download(BUCKET, "b.txt").await.unwrap().content.as_deref(), Some(&b"plain"[..]));
}
