//! Files of every size arrive in Dify byte for byte, and what cannot is an error in words.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use cos_emulator::{Fault, ObjectOptions, Operation, generated_bytes};
use dify_plugin_host::{Carrier, UploadFault};
use on_emulator::{BUCKET, OnEmulator, refusal};

/// More than the 3.9 MB that one line of the protocol carries.
const LARGE: u64 = 4_200_000;

fn content(length: u64, seed: u64) -> Vec<u8> {
    let mut content = vec![0; usize::try_from(length).unwrap()];
    generated_bytes(seed, 0, &mut content);
    content
}

#[tokio::test]
async fn a_small_file_travels_in_one_message() {
    let on = OnEmulator::start().await;
    on.put("docs/报告 一.txt", "你好");
    let file = on.download(BUCKET, "docs/报告 一.txt").await.unwrap();
    assert_eq!((file.carrier, file.size), (Carrier::Blob, 6));
    assert_eq!(file.name.as_deref(), Some("报告 一.txt"));
    assert_eq!(file.media_type.as_deref(), Some("text/plain"));
    assert_eq!(file.content.as_deref(), Some("你好".as_bytes()));
    on.assert_well_behaved();
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let on = OnEmulator::start().await;
    on.put("empty.txt", "");
    let file = on.download(BUCKET, "empty.txt").await.unwrap();
    assert_eq!((file.carrier, file.content.as_deref()), (Carrier::Blob, Some(&b""[..])));
}

#[tokio::test]
async fn a_large_file_is_uploaded_and_linked() {
    let on = OnEmulator::start().await;
    on.cos.put_generated_object(BUCKET, "docs/large.pdf", LARGE, 7).unwrap();
    let file = on.download(BUCKET, "docs/large.pdf").await.unwrap();
    assert_eq!((file.carrier, file.size, file.name.as_deref()), (Carrier::Link, LARGE, Some("large.pdf")));
    assert_eq!(file.media_type.as_deref(), Some("application/pdf"));
    assert!(file.content.unwrap() == content(LARGE, 7), "the bytes are others");
    assert_eq!((on.uploads.file_count(), on.uploads.refusals()), (1, vec![]));
    on.assert_well_behaved();
}

#[tokio::test]
async fn odd_keys_reach_cos_as_they_are() {
    let on = OnEmulator::start().await;
    for key in [
        "a b+c%25.txt",
        "docs//x",
        "/leading",
        "q?x=1&y#z",
        "line\nbreak",
        "a/../b",
        "😀",
        "back\\slash",
        "//",
        "./a",
        "../a",
        "dots...",
        "ctl/\u{1}\u{7f}",
        "a=b&c=d;e",
        "folder/",
    ] {
        on.put(key, key);
        let file = on.download(BUCKET, key).await.unwrap();
        assert_eq!(file.content.as_deref(), Some(key.as_bytes()), "{key:?}");
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn the_type_comes_from_the_name_where_cos_does_not_know_it() {
    let on = OnEmulator::start().await;
    for (key, declared, media_type) in [
        ("report.pdf", "application/octet-stream", "application/pdf"),
        ("notes.md", "binary/octet-stream", "text/markdown"),
        ("page", "text/html; charset=utf-8", "text/html"),
        ("noext", "application/octet-stream", "application/octet-stream"),
    ] {
        let options = ObjectOptions { content_type: Some(declared.to_owned()), ..ObjectOptions::default() };
        on.cos.put_object_with(BUCKET, key, "x", options).unwrap();
        let file = on.download(BUCKET, key).await.unwrap();
        assert_eq!(file.media_type.as_deref(), Some(media_type), "{key}");
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let on = OnEmulator::start().await;
    let error = refusal(&on.cos, on.download(BUCKET, "docs/nope.txt").await);
    assert_eq!(error.error_type, "NoSuchKey");
    assert!(error.message.contains("docs/nope.txt") && error.message.contains(BUCKET), "{}", error.message);
    let error = refusal(&on.cos, on.download("gone-1250000000", "a").await);
    assert_eq!(error.error_type, "NoSuchBucket");
    on.assert_well_behaved();
}

#[tokio::test]
async fn without_a_bucket_or_a_key_nothing_is_asked_of_cos() {
    let on = OnEmulator::start().await;
    assert!(refusal(&on.cos, on.download("", "a").await).message.contains("bucket"));
    assert!(refusal(&on.cos, on.download(BUCKET, "").await).message.contains("key"));
    assert!(refusal(&on.cos, on.download(BUCKET, "..").await).message.contains("dot segment"));
    assert_eq!(on.cos.requests(), []);
}

#[tokio::test]
async fn an_archived_file_is_said_to_be_archived() {
    let on = OnEmulator::start().await;
    let options = ObjectOptions { storage_class: Some("ARCHIVE".to_owned()), ..ObjectOptions::default() };
    on.cos.put_object_with(BUCKET, "old.txt", "x", options).unwrap();
    let error = refusal(&on.cos, on.download(BUCKET, "old.txt").await);
    assert_eq!(error.error_type, "InvalidObjectState");
    assert!(error.message.contains("is archived (ARCHIVE): restore it"), "{}", error.message);
}

#[tokio::test]
async fn a_wrong_secret_is_said_to_be_wrong() {
    let mut on = OnEmulator::start().await;
    on.put("a.txt", "a");
    on.fill_in("secret_key", "another");
    let error = refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    assert_eq!(error.error_type, "DatasourceCredentialValidationError");
    assert!(error.message.contains("secret key is wrong"), "{}", error.message);
}

#[tokio::test]
async fn a_large_file_that_dify_cannot_take_names_the_setting() {
    let on = OnEmulator::start().await;
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 9).unwrap();
    on.uploads.set_fault(Some(UploadFault::RelativeUrl));
    let error = refusal(&on.cos, on.download(BUCKET, "large.bin").await);
    assert!(error.message.contains("FILES_URL"), "{}", error.message);
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_file_whose_length_is_not_said_arrives_whole() {
    let on = OnEmulator::start().await;
    for (key, size, carrier) in [("small.bin", 100_000, Carrier::Blob), ("large.bin", LARGE, Carrier::Link)] {
        on.cos.put_generated_object(BUCKET, key, size, 3).unwrap();
        on.cos.faults().inject(Fault::NoContentLength.on(Operation::GetObject));
        let file = on.download(BUCKET, key).await.unwrap();
        assert_eq!((file.carrier, file.size), (carrier, size));
        assert!(file.content.unwrap() == content(size, 3), "the bytes are others");
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_large_file_that_dify_cannot_take_is_not_fetched_first() {
    let on = OnEmulator::start().await;
    let options = ObjectOptions { without_crc64: true, ..ObjectOptions::default() };
    on.cos.put_generated_object_with(BUCKET, "large.bin", 1 << 40, 9, options).unwrap();
    on.uploads.set_fault(Some(UploadFault::RelativeUrl));
    let error = refusal(&on.cos, on.download(BUCKET, "large.bin").await);
    assert!(error.message.contains("1099511627776 bytes was not delivered"), "{}", error.message);
}

#[tokio::test]
async fn the_longest_key_is_read_and_named_by_its_end() {
    let on = OnEmulator::start().await;
    let name = format!("{}.pdf", "长".repeat(80));
    let key = format!("{}/{name}", "d".repeat(850 - 1 - name.len()));
    on.put(&key, "x");
    let file = on.download(BUCKET, &key).await.unwrap();
    let shown = file.name.unwrap();
    assert!(shown.starts_with("长长") && shown.ends_with(".pdf"), "{shown}");
    assert_eq!(file.media_type.as_deref(), Some("application/pdf"));
}

#[tokio::test]
async fn a_large_picture_is_linked_like_any_file() {
    let on = OnEmulator::start().await;
    let options = ObjectOptions { content_type: Some("image/jpg".to_owned()), ..ObjectOptions::default() };
    on.cos.put_generated_object_with(BUCKET, "a.jpg", LARGE, 1, options).unwrap();
    let file = on.download(BUCKET, "a.jpg").await.unwrap();
    // Older versions of Dify drop the `image_link` of a drive.
    assert_eq!((file.carrier, file.size, file.media_type.as_deref()), (Carrier::Link, LARGE, Some("image/jpeg")));
    on.assert_well_behaved();
}

#[tokio::test]
async fn what_dify_does_not_take_says_which_setting() {
    let on = OnEmulator::start().await;
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 2).unwrap();
    for (fault, words) in [
        (UploadFault::EmptyUrl, "FILES_URL"),
        (UploadFault::UnreachableUrl, "FILES_URL"),
        (UploadFault::Refuse(413), "larger than Dify, or a gateway in front of it, takes"),
    ] {
        on.uploads.set_fault(Some(fault));
        let error = refusal(&on.cos, on.download(BUCKET, "large.bin").await);
        assert!(error.message.contains(words) && error.message.contains("large.bin"), "{}", error.message);
    }
    on.assert_well_behaved();
}
