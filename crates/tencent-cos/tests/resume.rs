//! A download that breaks off is taken up again where it broke, if the object is still the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use std::time::Duration;

use futures_util::TryStreamExt;
use scripted::{BUCKET, Reply, Server};
use tencent_cos::{Cos, CosError, CosErrorKind, Deadlines};

const BODY: &[u8] = b"0123456789";
/// CRC64 of [`BODY`].
const CRC64: &str = "x-cos-hash-crc64ecma: 2838902930144391966";

async fn download(server: &Server) -> Result<Vec<u8>, CosError> {
    download_with(&server.cos()).await
}

async fn download_with(cos: &Cos) -> Result<Vec<u8>, CosError> {
    let mut object = cos.get_object(BUCKET, None, "k").await?;
    let mut body = Vec::new();
    while let Some(piece) = object.try_next().await? {
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The whole object, of which only `sent` bytes come.
fn first(sent: usize) -> Reply {
    Reply::announcing(BODY.len(), "200 OK", &["ETag: \"e1\"", CRC64], &BODY[..sent])
}

/// The rest from `start` on, of which only the bytes before `end` come.
fn rest(start: usize, end: usize) -> Reply {
    let range = format!("Content-Range: bytes {start}-9/10");
    Reply::announcing(BODY.len() - start, "206 Partial Content", &["ETag: \"e1\"", &range, CRC64], &BODY[start..end])
}

#[tokio::test]
async fn a_lost_connection_is_taken_up_where_it_broke() {
    let server = Server::start([first(4), rest(4, 7), rest(7, 10)]).await;
    assert_eq!(download(&server).await.unwrap(), BODY);
    let requests = server.requests();
    let asked: Vec<_> = requests.iter().map(|request| (request.header("range"), request.header("if-match"))).collect();
    assert_eq!(asked, [(None, None), (Some("bytes=4-"), Some("\"e1\"")), (Some("bytes=7-"), Some("\"e1\"")),]);
    let signed = requests.last().unwrap().header("authorization").unwrap();
    assert!(signed.contains("q-header-list=host;if-match;range&"), "{signed}");
}

#[tokio::test]
async fn a_silent_connection_is_taken_up_as_well() {
    let server = Server::start([first(4).then_silence(), rest(4, 10)]).await;
    let deadlines = Deadlines { silence: Duration::from_millis(500), ..Deadlines::default() };
    assert_eq!(download_with(&server.cos().with_deadlines(deadlines)).await.unwrap(), BODY);
    assert_eq!(server.requests().last().unwrap().header("range"), Some("bytes=4-"));
}

#[tokio::test]
async fn a_failing_server_is_asked_again_for_the_rest() {
    let busy = Reply::new("503 Service Unavailable", &[], "");
    let server = Server::start([first(4), busy, rest(4, 10)]).await;
    assert_eq!(download(&server).await.unwrap(), BODY);
    assert_eq!(server.requests().last().unwrap().header("range"), Some("bytes=4-"));
}

#[tokio::test]
async fn an_object_replaced_in_between_is_an_error() {
    let refused = Reply::new("412 Precondition Failed", &[], "<Error><Code>PreconditionFailed</Code></Error>");
    let other_size = Reply::new("206 Partial Content", &["Content-Range: bytes 4-8/9"], "56789");
    for reply in [refused, other_size] {
        let server = Server::start([first(4), reply]).await;
        let error = download(&server).await.unwrap_err();
        assert_eq!(error.kind(), CosErrorKind::ObjectChanged, "{error}");
        assert!(error.is_temporary());
    }
}

#[tokio::test]
async fn a_server_that_does_not_give_the_rest_is_not_mistaken() {
    let whole = first(10);
    let elsewhere = Reply::new("206 Partial Content", &["Content-Range: bytes 0-9/10"], BODY);
    let unnamed = Reply::new("206 Partial Content", &[], &BODY[4..]);
    for reply in [whole, elsewhere, unnamed] {
        let server = Server::start([first(4), reply]).await;
        let error = download(&server).await.unwrap_err();
        assert!(matches!(error, CosError::BrokenOff { received: 4, size: Some(10), .. }), "{error}");
    }
}

#[tokio::test]
async fn without_an_entity_tag_nothing_is_taken_up() {
    let server = Server::start([Reply::announcing(10, "200 OK", &[], &BODY[..4]), rest(4, 10)]).await;
    let error = download(&server).await.unwrap_err();
    assert_eq!(error.to_string(), format!("object \"k\" in bucket {BUCKET} broke off after 4 of 10 bytes"));
    assert_eq!((error.kind(), error.is_temporary()), (CosErrorKind::Unreachable, true));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn it_is_taken_up_five_times_at_most() {
    let script = (1..10).map(|start| rest(start, start + 1));
    let server = Server::start([first(1)].into_iter().chain(script)).await;
    let error = download(&server).await.unwrap_err();
    assert!(matches!(error, CosError::BrokenOff { received: 6, size: Some(10), .. }), "{error}");
    assert_eq!(server.requests().len(), 6);
}
