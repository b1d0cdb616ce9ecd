use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

use cos_emulator::{CosEmulator, ObjectOptions};

use crate::client::{BUCKET, Request, server};

async fn with_object(options: ObjectOptions) -> CosEmulator {
    let server = server().await;
    server.put_object_with(BUCKET, "a.txt", "123456789", options).unwrap();
    server
}

fn dated() -> ObjectOptions {
    ObjectOptions { last_modified: Some(UNIX_EPOCH + Duration::from_secs(1_704_067_200)), ..ObjectOptions::default() }
}

#[tokio::test]
async fn get_and_head_describe_the_object() {
    let server = with_object(dated()).await;
    let get = Request::object(&server, "a.txt").send();
    let head = Request::object(&server, "a.txt").method("HEAD").send();
    assert_eq!((get.status, get.text()), (200, "123456789"));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for response in [&get, &head] {
        for (name, value) in [
            ("content-type", "text/plain"),
            ("content-length", "9"),
            ("accept-ranges", "bytes"),
            ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
            // 0x995dc9bbdf1939fa, the check value of CRC-64/XZ.
            ("x-cos-hash-crc64ecma", "11051210869376104954"),
            ("server", "tencent-cos"),
        ] {
            assert_eq!(response.header(name), Some(value), "{name}");
        }
        assert_eq!(response.header("x-cos-storage-class"), None);
        assert!(response.header("date").is_some());
    }
    assert_eq!(get.header("etag"), head.header("etag"));
    assert_ne!(get.header("x-cos-request-id").unwrap(), head.header("x-cos-request-id").unwrap());
}

#[tokio::test]
async fn options_are_sent() {
    let server = with_object(ObjectOptions {
        content_type: Some("text/html; charset=gbk".into()),
        content_encoding: Some("gzip".into()),
        content_disposition: Some("attachment".into()),
        cache_control: Some("no-store".into()),
        storage_class: Some("STANDARD_IA".into()),
        metadata: BTreeMap::from([("author".to_owned(), "me".to_owned())]),
        without_crc64: true,
        ..ObjectOptions::default()
    })
    .await;
    let get = Request::object(&server, "a.txt").send();
    for (name, value) in [
        ("content-type", Some("text/html; charset=gbk")),
        ("content-encoding", Some("gzip")),
        ("content-disposition", Some("attachment")),
        ("cache-control", Some("no-store")),
        ("x-cos-storage-class", Some("STANDARD_IA")),
        ("x-cos-meta-author", Some("me")),
        ("x-cos-hash-crc64ecma", None),
    ] {
        assert_eq!(get.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_get_may_override_headers() {
    let server = with_object(ObjectOptions::default()).await;
    let get = Request::object(&server, "a.txt")
        .query("response-content-type", "application/x-test")
        .query("response-content-disposition", "attachment; filename=\"b c\"")
        .query("response-expires", "Thu, 01 Jan 1970 00:00:00 GMT\r\nX: y")
        .send();
    assert_eq!(get.header("content-type"), Some("application/x-test"));
    assert_eq!(get.header("content-disposition"), Some("attachment; filename=\"b c\""));
    assert_eq!((get.header("expires"), get.header("x")), (None, None));
}

#[tokio::test]
async fn conditions() {
    let server = with_object(dated()).await;
    let etag = Request::object(&server, "a.txt").send().header("etag").unwrap().to_owned();
    let get = |name: &str, value: &str| Request::object(&server, "a.txt").header(name, value).send();
    let before = "Sun, 31 Dec 2023 23:59:59 GMT";
    let at = "Mon, 01 Jan 2024 00:00:00 GMT";
    assert_eq!(get("If-Match", &etag).status, 200);
    assert_eq!(get("If-Unmodified-Since", at).status, 200);
    assert_eq!(get("If-None-Match", "\"x\"").status, 200);
    assert_eq!(get("If-Modified-Since", before).status, 200);
    for failed in [get("If-Match", "\"x\""), get("If-Unmodified-Since", before)] {
        assert_eq!(failed.error(), (412, "PreconditionFailed".into()));
    }
    for unchanged in [get("If-None-Match", &etag), get("If-Modified-Since", at)] {
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
    }
}

#[tokio::test]
async fn archived_objects_are_not_handed_out() {
    for class in ["ARCHIVE", "DEEP_ARCHIVE"] {
        let server = with_object(ObjectOptions { storage_class: Some(class.into()), ..ObjectOptions::default() }).await;
        let get = Request::object(&server, "a.txt").send();
        assert_eq!(get.error(), (403, "InvalidObjectState".into()));
        assert_eq!(get.header("x-cos-storage-class"), Some(class));
        let head = Request::object(&server, "a.txt").method("HEAD").send();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("x-cos-storage-class"), Some(class));
    }
}

#[tokio::test]
async fn errors_say_what_and_where() {
    let server = server().await;
    let get = Request::object(&server, "go ne").send();
    assert_eq!(get.error(), (404, "NoSuchKey".into()));
    assert_eq!(get.header("content-type"), Some("application/xml"));
    assert_eq!(get.one("Resource").unwrap(), format!("{}/go ne", crate::client::HOST));
    assert_eq!(get.one("RequestId").as_deref(), get.header("x-cos-request-id"));
    assert_eq!(get.one("TraceId").as_deref(), get.header("x-cos-trace-id"));
    let odd = Request::object(&server, "gone\u{1}").send();
    assert_eq!(odd.one("Resource").unwrap(), format!("{}/gone%01", crate::client::HOST));
    let head = Request::object(&server, "go ne").method("HEAD").send();
    assert_eq!((head.status, head.body.len()), (404, 0));
}

/// The official Python SDK hands header names on in a plain dictionary.
#[tokio::test]
async fn names_are_spelled_as_cos_spells_them() {
    let server = with_object(ObjectOptions::default()).await;
    let get = Request::object(&server, "a.txt").header("Range", "bytes=0-3").send();
    for name in [
        "Accept-Ranges",
        "Connection",
        "Content-Length",
        "Content-Range",
        "Content-Type",
        "Date",
        "ETag",
        "Last-Modified",
        "Server",
        "x-cos-hash-crc64ecma",
        "x-cos-request-id",
    ] {
        assert!(get.head.contains(&format!("\r\n{name}: ")), "{name} in {}", get.head);
    }
    assert!(!get.head.to_ascii_lowercase().contains("\r\nhost: "));
}
