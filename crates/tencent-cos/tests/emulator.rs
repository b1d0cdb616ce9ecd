//! Client and emulated COS, which share no code, agree on signatures, keys, pages, ranges and errors.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cos_emulator::{CosEmulator, Fault, ObjectOptions, Operation};
use futures_util::TryStreamExt;
use tencent_cos::{Cos, CosConfig, CosError, CosErrorKind, ListRequest};

const BUCKET: &str = "examplebucket-1250000000";
const KEYS: [&str; 14] = [
    "a//b",
    "a/../b",
    "a/./b",
    "a/..",
    "./a",
    "../a",
    "docs/报告 一.txt",
    "docs/100%+ #?&=.txt",
    "😀",
    "ctl/\u{1}\n\u{7f}",
    "dots...",
    "%2e%2e/x",
    "plain.txt",
    "~tilde'\"<>&[]{}|\\^`",
];

async fn emulator() -> CosEmulator {
    let server = CosEmulator::builder().credentials("AKIDexample", "its-secret").start().await.unwrap();
    server.create_bucket(BUCKET, "ap-beijing").unwrap();
    server
}

fn cos_as(server: &CosEmulator, secret_id: &str, secret_key: &str) -> Cos {
    Cos::new(CosConfig {
        secret_id: secret_id.into(),
        secret_key: secret_key.into(),
        session_token: None,
        region: None,
        endpoint: server.endpoint().parse().unwrap(),
        auto_switch_domain: false,
    })
    .unwrap()
}

fn cos(server: &CosEmulator) -> Cos {
    cos_as(server, server.secret_id(), server.secret_key())
}

async fn read(cos: &Cos, key: &str) -> Result<Vec<u8>, CosError> {
    let pieces: Vec<_> = cos.get_object(BUCKET, None, key).await?.try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn odd_keys_are_listed_and_read() {
    let server = emulator().await;
    for key in KEYS {
        server.put_object(BUCKET, key, key.as_bytes().to_vec()).unwrap();
    }
    let cos = cos(&server);
    let mut request = ListRequest { bucket: BUCKET.to_owned(), max_keys: Some(3), ..ListRequest::default() };
    let mut listed = Vec::new();
    loop {
        let page = cos.list_objects(&request).await.unwrap();
        listed.extend(page.objects.into_iter().map(|object| object.key));
        request.marker = page.next_marker;
        if request.marker.is_none() {
            break;
        }
    }
    let mut expected = KEYS.to_vec();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    for key in listed {
        assert_eq!(read(&cos, &key).await.unwrap(), key.as_bytes());
        assert_eq!(cos.head_object(BUCKET, None, &key).await.unwrap().size, Some(key.len() as u64));
    }
    assert!(server.requests().iter().all(|request| request.status == 200));
}

#[tokio::test]
async fn folders_are_listed_page_by_page() {
    let server = emulator().await;
    for key in ["报/a/1", "报/a/2", "报/b", "报/c d/1", "报/e", "z"] {
        server.put_object(BUCKET, key, "x").unwrap();
    }
    let cos = cos(&server);
    let mut request = ListRequest {
        bucket: BUCKET.to_owned(),
        prefix: "报/".to_owned(),
        delimiter: Some("/".to_owned()),
        max_keys: Some(1),
        ..ListRequest::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = cos.list_objects(&request).await.unwrap();
        listed.extend(page.common_prefixes);
        listed.extend(page.objects.into_iter().map(|object| object.key));
        request.marker = page.next_marker;
        if request.marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, ["报/a/", "报/b", "报/c d/", "报/e"]);
}

#[tokio::test]
async fn buckets_are_listed_with_their_regions() {
    let server = emulator().await;
    let buckets = cos(&server).list_buckets().await.unwrap();
    let [bucket] = buckets.as_slice() else { panic!("{buckets:?}") };
    assert_eq!((bucket.name.as_str(), bucket.region.as_deref()), (BUCKET, Some("ap-beijing")));
    let info = cos(&server).head_bucket(BUCKET, None).await.unwrap();
    assert_eq!(info.region.as_deref(), Some("ap-beijing"));
}

#[tokio::test]
async fn a_large_object_survives_broken_connections() {
    let server = emulator().await;
    let length = 20 << 20;
    server.put_generated_object(BUCKET, "large.bin", length, 7).unwrap();
    server.faults().inject(Fault::CutBody { after: 3_000_001 }.times(4).on(Operation::GetObject));
    let mut object = cos(&server).get_object(BUCKET, None, "large.bin").await.unwrap();
    assert!(object.info().crc64.is_some());
    let mut offset = 0;
    while let Some(piece) = object.try_next().await.unwrap() {
        let mut expected = vec![0; piece.len()];
        cos_emulator::generated_bytes(7, offset, &mut expected);
        assert!(piece == expected, "other bytes after {offset}");
        offset += piece.len() as u64;
    }
    assert_eq!(offset, length);
    let ranges: Vec<_> = server.requests().into_iter().map(|request| request.range).collect();
    assert_eq!(ranges.len(), 5, "{ranges:?}");
}

#[tokio::test]
async fn damage_is_found() {
    let server = emulator().await;
    server.put_object(BUCKET, "k", "0123456789").unwrap();
    for fault in [Fault::WrongCrc, Fault::MissingTail { bytes: 3 }] {
        server.faults().inject(fault.clone().times(1).on(Operation::GetObject));
        let error = read(&cos(&server), "k").await.unwrap_err();
        assert_eq!(error.kind(), CosErrorKind::Damaged, "{fault:?}: {error}");
    }
}

#[tokio::test]
async fn errors_have_their_kinds() {
    let server = emulator().await;
    let archived = ObjectOptions { storage_class: Some("ARCHIVE".to_owned()), ..ObjectOptions::default() };
    server.put_object_with(BUCKET, "cold", "x", archived).unwrap();
    let cos = cos(&server);
    let kind = |error: CosError| {
        assert!(error.request_id().is_some(), "{error}");
        error.kind()
    };
    assert_eq!(kind(read(&cos, "none").await.unwrap_err()), CosErrorKind::NoSuchKey);
    assert_eq!(kind(read(&cos, "cold").await.unwrap_err()), CosErrorKind::InvalidObjectState);
    let elsewhere = ListRequest { bucket: "none-1250000000".to_owned(), ..ListRequest::default() };
    assert_eq!(kind(cos.list_objects(&elsewhere).await.unwrap_err()), CosErrorKind::NoSuchBucket);
    let wrong_key = cos_as(&server, server.secret_id(), "wrong");
    assert_eq!(kind(wrong_key.list_buckets().await.unwrap_err()), CosErrorKind::SignatureDoesNotMatch);
    let wrong_id = cos_as(&server, "AKIDother", server.secret_key());
    assert_eq!(kind(wrong_id.list_buckets().await.unwrap_err()), CosErrorKind::InvalidAccessKeyId);
}
