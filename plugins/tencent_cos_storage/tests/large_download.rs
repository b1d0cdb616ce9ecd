//! A file of 1 GB reaches Dify byte for byte, and the plugin's memory stays as it was.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/upload_hash.rs"]
mod upload_hash;

use std::time::Instant;

use dify_plugin_host::Carrier;
use on_emulator::{BUCKET, OnEmulator};
use upload_hash::{UploadHash, hash_of_generated};

const MIB: u64 = 1024 * 1024;
const LARGE: u64 = 1_000_000_000;

/// What the plugin may use beyond what it used after a small download.
const GROWTH: u64 = 8 * MIB;

#[tokio::test]
async fn memory_stays_flat() {
    let hash = UploadHash::default();
    let on = OnEmulator::start_uploading_to(hash.endpoint().await).await;
    on.put("small.txt", "small");
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 1).unwrap();
    on.download(BUCKET, "small.txt").await.unwrap();
    let before = on.plugin.rss_bytes().unwrap_or_default();
    assert!(before > 0 || cfg!(not(target_os = "linux")), "memory cannot be measured");
    let started = Instant::now();
    let file = on.download(BUCKET, "large.bin").await.unwrap();
    let took = started.elapsed();
    let growth = on.plugin.peak_rss_bytes().unwrap_or_default().saturating_sub(before);
    assert_eq!((file.carrier, file.size, file.name.as_deref()), (Carrier::Link, LARGE, Some("large.bin")));
    assert!(hash.finish() == hash_of_generated(LARGE, 1), "the bytes are others");
    println!("1 GB in {took:.1?}: memory grew by {} KiB above {} KiB", growth / 1024, before / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
    on.assert_well_behaved();
}

#[tokio::test]
async fn one_line_carries_what_it_can() {
    let on = OnEmulator::start().await;
    for (size, carrier) in [(3_800_000, Carrier::Blob), (4_200_000, Carrier::Link)] {
        on.cos.put_generated_object(BUCKET, "file.bin", size, size).unwrap();
        let file = on.download(BUCKET, "file.bin").await.unwrap();
        assert_eq!((file.carrier, file.size), (carrier, size));
        let mut expected = vec![0; usize::try_from(size).unwrap()];
        cos_emulator::generated_bytes(size, 0, &mut expected);
        assert!(file.content.unwrap() == expected, "the bytes are others");
    }
    on.assert_well_behaved();
}
