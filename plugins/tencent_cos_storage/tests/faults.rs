//! When COS or the way to it fails, a file arrives whole or not at all, and the error says why.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/upload_hash.rs"]
mod upload_hash;

use std::time::{Duration, Instant};

use cos_emulator::{Fault, ObjectOptions, Operation};
use on_emulator::{BUCKET, OnEmulator, refusal, refusal_without};
use serde_json::json;
use upload_hash::{UploadHash, hash_of_generated};

/// More than one line of the protocol carries: it is uploaded while it is read.
const LARGE: u64 = 6_000_000;

#[tokio::test]
async fn a_server_that_dies_is_named_and_nothing_is_delivered() {
    let hash = UploadHash::default();
    let on = OnEmulator::start_uploading_to(hash.endpoint().await).await;
    on.cos.put_generated_object(BUCKET, "docs/large.bin", LARGE, 1).unwrap();
    // Nobody waits for its end.
    on.cos
        .faults()
        .inject(Fault::SlowBody { piece: 20_000, pause: Duration::from_millis(20) }.on(Operation::GetObject));
    let fields = on.download_fields(BUCKET, "docs/large.bin");
    let OnEmulator { cos, uploads, plugin, .. } = on;
    let (address, secret_key) = (cos.address().to_string(), cos.secret_key().to_owned());
    let kill_in_the_middle = async {
        while hash.received() < 500_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(cos);
        Instant::now()
    };
    let kill_in_the_middle = tokio::time::timeout(Duration::from_secs(20), kill_in_the_middle);
    let (outcome, killed) = tokio::join!(plugin.download_file(fields), kill_in_the_middle);
    let killed = killed.unwrap();
    // It is looked for three times, with pauses of 1.2 s in all at most.
    assert!(killed.elapsed() < Duration::from_secs(10), "took {:?}", killed.elapsed());
    let error = refusal_without(&secret_key, outcome);
    for word in [address.as_str(), "docs/large.bin", BUCKET, "broke off after", "of 6000000 bytes"] {
        assert!(error.message.contains(word), "{word}: {}", error.message);
    }
    assert!((500_000..LARGE).contains(&hash.received()), "{} bytes", hash.received());
    assert_eq!(uploads.file_count(), 0);
    assert_eq!(plugin.violations(), []);
}

#[tokio::test]
async fn a_download_that_breaks_off_goes_on_where_it_broke() {
    let hash = UploadHash::default();
    let on = OnEmulator::start_uploading_to(hash.endpoint().await).await;
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 2).unwrap();
    on.cos.faults().inject(Fault::CutBody { after: 1_000_000 }.times(4).on(Operation::GetObject));
    let file = on.download(BUCKET, "large.bin").await.unwrap();
    assert_eq!(file.size, LARGE);
    assert!(hash.finish() == hash_of_generated(LARGE, 2), "the bytes are others");
    let ranges: Vec<_> = on.cos.requests().into_iter().map(|request| request.range).collect();
    assert_eq!(ranges.len(), 5);
    assert!(ranges[0].is_none() && ranges[1..].iter().all(Option::is_some), "{ranges:?}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_small_file_that_breaks_off_is_whole_as_well() {
    let on = OnEmulator::start().await;
    let content = "0123456789".repeat(10_000);
    on.put("a.txt", &content);
    on.cos.faults().inject(Fault::ShortBody { missing: 40_000 }.on(Operation::GetObject));
    on.cos.faults().inject(Fault::MissingTail { bytes: 10_000 }.after(1).on(Operation::GetObject));
    let file = on.download(BUCKET, "a.txt").await.unwrap();
    assert!(file.content.unwrap() == content, "the bytes are others");
    assert_eq!(on.cos.faults().pending(), 0);
    assert_eq!(on.cos.requests().len(), 3);
}

#[tokio::test]
async fn a_download_that_cannot_go_on_says_why() {
    let on = OnEmulator::start().await;
    on.put("a.txt", &"a".repeat(100_000));
    on.cos.faults().inject(Fault::CutBody { after: 10_000 }.on(Operation::GetObject));
    let failing = Fault::Status { status: 500, code: "InternalError".to_owned() };
    on.cos.faults().inject(failing.times(100).after(1).on(Operation::GetObject));
    let error = refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    assert!(error.message.contains("broke off after") && error.message.contains("HTTP 500"), "{}", error.message);
}

#[tokio::test]
async fn damaged_bytes_are_an_error_and_no_file() {
    let on = OnEmulator::start().await;
    on.put("a.txt", "a");
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 3).unwrap();
    on.cos.faults().inject(Fault::WrongCrc.times(10));
    for key in ["a.txt", "large.bin"] {
        let error = refusal(&on.cos, on.download(BUCKET, key).await);
        assert!(error.message.contains(key) && error.message.contains("damaged"), "{}", error.message);
    }
    assert_eq!(on.uploads.file_count(), 0);
}

#[tokio::test]
async fn an_object_that_is_replaced_in_between_is_never_mixed() {
    let on = OnEmulator::start().await;
    on.cos.put_generated_object(BUCKET, "large.bin", LARGE, 4).unwrap();
    let another = vec![b'x'; usize::try_from(LARGE).unwrap()];
    on.cos.faults().inject(Fault::CutBody { after: 1_000_000 }.on(Operation::GetObject));
    on.cos.faults().inject(Fault::ReplaceObject(another.into()));
    let error = refusal(&on.cos, on.download(BUCKET, "large.bin").await);
    assert!(error.message.contains("was replaced while it was being read"), "{}", error.message);
    assert_eq!(on.uploads.file_count(), 0);
}

#[tokio::test]
async fn without_a_checksum_the_length_still_tells() {
    let on = OnEmulator::start().await;
    let options = ObjectOptions { without_crc64: true, ..ObjectOptions::default() };
    on.cos.put_generated_object_with(BUCKET, "old.bin", 50_000, 5, options).unwrap();
    on.cos.faults().inject(Fault::ShortBody { missing: 1 }.times(100).on(Operation::GetObject));
    let error = refusal(&on.cos, on.download(BUCKET, "old.bin").await);
    assert!(error.message.contains("broke off after"), "{}", error.message);
}

#[tokio::test]
async fn what_is_no_list_is_said_to_be_none() {
    let on = OnEmulator::start().await;
    on.put("a.txt", "a");
    let host = on.cos.address().to_string();
    for fault in [Fault::HtmlInsteadOfXml, Fault::TruncatedXml { keep: 80 }, Fault::TruncatedXml { keep: 0 }] {
        on.cos.faults().inject(fault.clone().times(2));
        let browsing = refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
        let validating = refusal(&on.cos, on.validate().await);
        for message in [browsing.message, validating.message] {
            assert!(message.contains(&host) && message.contains("is this a COS endpoint?"), "{fault:?}: {message}");
        }
    }
    assert_eq!(on.cos.faults().pending(), 0);
    on.validate().await.unwrap();
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_connection_that_breaks_every_64_kib_is_taken_up_each_time() {
    const PIECE: u64 = 65_536;
    let on = OnEmulator::start().await;
    on.cos.put_generated_object(BUCKET, "a.bin", 6 * PIECE, 6).unwrap();
    let mut whole = vec![0; usize::try_from(6 * PIECE).unwrap()];
    cos_emulator::generated_bytes(6, 0, &mut whole);
    // In one download five times in a row, and in one download each at every boundary.
    on.cos.faults().inject(Fault::CutBody { after: PIECE }.times(5).on(Operation::GetObject));
    assert!(on.download(BUCKET, "a.bin").await.unwrap().content.unwrap() == whole, "the bytes are others");
    assert_eq!(on.cos.requests().len(), 6);
    for boundary in 0..6 {
        for after in [boundary * PIECE, boundary * PIECE + 1] {
            on.cos.faults().inject(Fault::CutBody { after }.on(Operation::GetObject));
            let file = on.download(BUCKET, "a.bin").await.unwrap();
            assert!(file.content.unwrap() == whole, "the bytes are others after a cut at {after}");
        }
    }
    assert_eq!(on.cos.faults().pending(), 0);
    on.assert_well_behaved();
}

#[tokio::test]
async fn bursts_of_503_are_waited_out() {
    let on = OnEmulator::start().await;
    on.put("a.txt", "a");
    for operation in [Operation::ListBuckets, Operation::ListObjects, Operation::GetObject] {
        on.cos.faults().inject(Fault::SlowDown.times(2).on(operation));
    }
    on.validate().await.unwrap();
    on.browse(json!({"bucket": BUCKET, "prefix": ""})).await.unwrap();
    assert_eq!(on.download(BUCKET, "a.txt").await.unwrap().content.as_deref(), Some(&b"a"[..]));
    assert_eq!((on.cos.faults().pending(), on.cos.requests().len()), (0, 9));
}

#[tokio::test]
async fn a_slow_body_is_waited_for() {
    let on = OnEmulator::start().await;
    on.put("a.txt", &"0123456789".repeat(100));
    on.cos.faults().inject(Fault::SlowBody { piece: 100, pause: Duration::from_millis(30) });
    on.cos.faults().inject(Fault::DelayHeaders(Duration::from_millis(300)));
    let file = on.download(BUCKET, "a.txt").await.unwrap();
    assert_eq!(file.content.unwrap(), "0123456789".repeat(100).as_bytes());
    assert_eq!(on.cos.requests().len(), 1);
}
