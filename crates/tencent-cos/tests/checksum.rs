//! The bytes of an object are those COS has: length and CRC64 are checked before the last piece is handed over.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use futures_util::{StreamExt, TryStreamExt};
use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosError, CosErrorKind};

/// CRC64 of `123456789`, the check value of CRC-64/XZ.
const RIGHT: u64 = 0x995d_c9bb_df19_39fa;

#[tokio::test]
async fn what_cos_says_of_an_object_comes_before_its_bytes() {
    let crc = format!("x-cos-hash-crc64ecma: {RIGHT}");
    let headers = [
        "Content-Type: text/plain; charset=utf-8",
        "ETag: \"e\"",
        "Last-Modified: Fri, 24 May 2019 11:49:50 GMT",
        "x-cos-storage-class: STANDARD_IA",
        "Content-Encoding: gzip",
        &crc,
    ];
    let server =
        Server::start([Reply::new("200 OK", &headers, "123456789"), Reply::announcing(9, "200 OK", &headers, "")])
            .await;
    let object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
    let info = object.info().clone();
    assert_eq!((info.size, info.crc64), (Some(9), Some(RIGHT)));
    assert_eq!(info.content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(info.etag.as_deref(), Some("\"e\""));
    assert_eq!(info.last_modified.as_deref(), Some("Fri, 24 May 2019 11:49:50 GMT"));
    assert_eq!(info.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!(info.content_encoding.as_deref(), Some("gzip"));
    let pieces: Vec<_> = object.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"123456789");

    assert_eq!(server.cos().head_object(BUCKET, None, "k").await.unwrap(), info);
    let methods: Vec<_> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["GET", "HEAD"]);
}

#[tokio::test]
async fn a_damaged_object_is_never_handed_over_whole() {
    for body in ["", "123456780"] {
        let server = Server::start([Reply::new("200 OK", &["x-cos-hash-crc64ecma: 7"], body)]).await;
        let mut object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
        let mut received = 0;
        let error = loop {
            match object.next().await.expect("the stream ends with an error") {
                Ok(piece) => received += piece.len(),
                Err(error) => break error,
            }
        };
        assert!(body.is_empty() || received < body.len());
        assert!(matches!(error, CosError::Damaged { expected: 7, .. }), "{error}");
        assert_eq!((error.kind(), error.is_temporary()), (CosErrorKind::Damaged, true));
        assert!(object.next().await.is_none());
    }
}

#[tokio::test]
async fn an_empty_object_is_an_empty_stream() {
    let server = Server::start([Reply::new("200 OK", &["x-cos-hash-crc64ecma: 0"], "")]).await;
    let object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
    assert_eq!(object.info().size, Some(0));
    assert!(object.try_collect::<Vec<_>>().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_object_of_many_pieces_arrives_in_order() {
    let body: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let server = Server::start([Reply::new("200 OK", &[], &body)]).await;
    let object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
    let pieces: Vec<_> = object.try_collect().await.unwrap();
    assert!(pieces.len() > 1);
    assert!(pieces.concat() == body);
}

/// A body without `Content-Length`, in chunks of three bytes.
fn chunked(headers: &[&str], body: &[u8], is_whole: bool) -> Reply {
    let mut sent: Vec<u8> = body.chunks(3).flat_map(|piece| [b"3\r\n", piece, b"\r\n"].concat()).collect();
    if is_whole {
        sent.extend_from_slice(b"0\r\n\r\n");
    }
    Reply::without_length("200 OK", &[&["Transfer-Encoding: chunked"], headers].concat(), sent)
}

#[tokio::test]
async fn a_length_that_is_not_said_is_found_out() {
    let crc = format!("x-cos-hash-crc64ecma: {RIGHT}");
    let server = Server::start([chunked(&[], b"123456789", true), chunked(&[&crc], b"123456789", true)]).await;
    for _ in 0..2 {
        let object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
        assert_eq!(object.info().size, None);
        assert_eq!(object.try_collect::<Vec<_>>().await.unwrap().concat(), b"123456789");
    }
}

#[tokio::test]
async fn without_a_length_damage_and_a_broken_connection_are_still_found() {
    let server = Server::start([
        chunked(&["x-cos-hash-crc64ecma: 7"], b"123456789", true),
        chunked(&[], b"123456", false),
        chunked(&["ETag: \"e\""], b"123456", false),
        Reply::new("206 Partial Content", &["Content-Range: bytes 6-8/9"], "789"),
    ])
    .await;
    let read = async || server.cos().get_object(BUCKET, None, "k").await.unwrap().try_collect::<Vec<_>>().await;
    assert_eq!(read().await.unwrap_err().kind(), CosErrorKind::Damaged);
    let error = read().await.unwrap_err();
    assert!(matches!(error, CosError::BrokenOff { received: 6, size: None, .. }), "{error}");
    assert!(error.to_string().ends_with("broke off after 6 bytes"), "{error}");
    assert_eq!(read().await.unwrap().concat(), b"123456789");
}

#[tokio::test]
async fn a_body_that_ends_nobody_knows_where_is_refused() {
    let server = Server::start([Reply::without_length("200 OK", &[], b"1234")]).await;
    let error = server.cos().get_object(BUCKET, None, "k").await.unwrap_err();
    assert_eq!(error.kind(), CosErrorKind::Unreadable, "{error}");
}
