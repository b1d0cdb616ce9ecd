use std::time::{Duration, Instant};

use bytes::Bytes;
use cos_emulator::{CosEmulator, Fault, Operation};

use crate::client::{BUCKET, Request, Response, server};

const LENGTH: usize = 200_000;

async fn with_object() -> CosEmulator {
    let server = server().await;
    server.put_object(BUCKET, "a", vec![b'x'; LENGTH]).unwrap();
    server
}

fn get(server: &CosEmulator) -> Response {
    Request::object(server, "a").send()
}

fn is_whole(response: &Response) -> bool {
    response.status == 200 && response.complete && response.body.len() == LENGTH
}

#[tokio::test]
async fn bodies_break_off_as_often_as_asked() {
    let server = with_object().await;
    server.faults().inject(Fault::CutBody { after: 70_000 }.times(2));
    for _ in 0..2 {
        let cut = get(&server);
        assert_eq!(cut.header("content-length"), Some("200000"));
        assert!(!cut.complete);
        assert_eq!(cut.body.len(), 70_000);
    }
    assert!(is_whole(&get(&server)));
    assert_eq!(server.faults().pending(), 0);
}

#[tokio::test]
async fn a_body_breaks_off_before_it_begins() {
    let server = with_object().await;
    server.faults().inject(Fault::CutBody { after: 0 });
    let cut = get(&server);
    assert_eq!((cut.status, cut.body.len()), (200, 0));
    assert!(!cut.complete);
}

#[tokio::test]
async fn lengths_lie() {
    let server = with_object().await;
    server.faults().inject(Fault::ShortBody { missing: 10 });
    let short = get(&server);
    assert_eq!(short.header("content-length"), Some("200000"));
    assert_eq!(short.body.len(), LENGTH - 10);

    server.faults().inject(Fault::MissingTail { bytes: 10 });
    let tailless = get(&server);
    assert_eq!(tailless.header("content-length"), Some("199990"));
    assert!(tailless.complete);

    server.faults().inject(Fault::NoContentLength);
    let chunked = get(&server);
    assert_eq!(chunked.header("content-length"), None);
    assert!(is_whole(&chunked));
}

#[tokio::test]
async fn the_crc_is_wrong_once() {
    let server = with_object().await;
    server.faults().inject(Fault::WrongCrc.on(Operation::GetObject));
    let (first, second) = (get(&server), get(&server));
    assert!(is_whole(&first) && is_whole(&second));
    let crc = |response: &Response| response.header("x-cos-hash-crc64ecma").unwrap().to_owned();
    assert_ne!(crc(&first), crc(&second));
}

#[tokio::test]
async fn errors_come_in_bursts() {
    let server = with_object().await;
    server.faults().inject(Fault::SlowDown.times(3));
    for _ in 0..3 {
        assert_eq!(get(&server).error(), (503, "SlowDown".into()));
    }
    assert!(is_whole(&get(&server)));
    server.faults().inject(Fault::Status { status: 500, code: "InternalError".into() });
    assert_eq!(get(&server).error(), (500, "InternalError".into()));
}

#[tokio::test]
async fn answers_dawdle() {
    let server = with_object().await;
    server.faults().inject(Fault::DelayHeaders(Duration::from_millis(300)));
    let start = Instant::now();
    assert!(is_whole(&get(&server)));
    assert!(start.elapsed() >= Duration::from_millis(300));

    server.faults().inject(Fault::SlowBody { piece: 50_000, pause: Duration::from_millis(100) });
    let start = Instant::now();
    assert!(is_whole(&get(&server)));
    assert!(start.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn lists_are_spoiled() {
    let server = with_object().await;
    server.faults().inject(Fault::TruncatedXml { keep: 100 });
    let truncated = Request::bucket(&server).send();
    assert!(truncated.complete);
    assert_eq!(truncated.body.len(), 100);

    server.faults().inject(Fault::HtmlInsteadOfXml.on(Operation::ListObjects));
    let page = Request::bucket(&server).send();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.complete && page.text().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn the_clock_is_off() {
    let server = with_object().await;
    server.faults().inject(Fault::ClockSkew { seconds: -3600 });
    assert_eq!(get(&server).error(), (403, "RequestTimeTooSkewed".into()));
    server.faults().inject(Fault::ClockSkew { seconds: 3600 });
    let late = get(&server);
    assert_eq!(late.one("Message").unwrap(), "Request has expired");
    for seconds in [i64::MIN, i64::MAX] {
        server.faults().inject(Fault::ClockSkew { seconds });
        assert_eq!(get(&server).status, 403);
    }
    assert!(is_whole(&get(&server)));
}

#[tokio::test]
async fn an_object_changes_between_two_ranges() {
    let server = with_object().await;
    let new = Bytes::from(vec![b'y'; LENGTH]);
    server.faults().inject(Fault::ReplaceObject(new).on(Operation::GetObject).key("a").after(1));
    let range = |range: &str| Request::object(&server, "a").header("Range", range).send();
    let parts = [range("bytes=0-9"), range("bytes=10-19"), range("bytes=20-29")];
    let texts: Vec<&str> = parts.iter().map(Response::text).collect();
    assert_eq!(texts, ["xxxxxxxxxx", "xxxxxxxxxx", "yyyyyyyyyy"]);
    assert_eq!(parts[0].header("etag"), parts[1].header("etag"));
    assert_ne!(parts[1].header("etag"), parts[2].header("etag"));
}

#[tokio::test]
async fn several_faults_meet_in_one_request() {
    let server = with_object().await;
    server.faults().inject(Fault::WrongCrc);
    server.faults().inject(Fault::CutBody { after: 5 });
    let both = get(&server);
    assert_eq!(both.body.len(), 5);
    assert_ne!(both.header("x-cos-hash-crc64ecma"), get(&server).header("x-cos-hash-crc64ecma"));
}

#[tokio::test]
async fn a_gateway_speaks_html_and_names_no_request() {
    let server = with_object().await;
    server.faults().inject(Fault::Gateway { status: 502 }.host("myqcloud.com"));
    let page = get(&server);
    assert_eq!((page.status, page.header("content-type")), (502, Some("text/html")));
    assert_eq!(page.header("x-cos-request-id"), None);
    assert!(is_whole(&get(&server)));
}
