//! What passes is tried again, what lasts is not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use std::time::{Duration, Instant};

use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosErrorKind, Deadlines, ListRequest};

fn busy() -> Reply {
    Reply::new("503 Service Unavailable", &[], "<Error><Code>SlowDown</Code></Error>")
}

fn request() -> ListRequest {
    ListRequest { bucket: BUCKET.to_owned(), ..ListRequest::default() }
}

#[tokio::test]
async fn a_busy_server_is_asked_three_times_in_all() {
    let server = Server::start([busy(), busy(), Reply::new("200 OK", &[], "<ListBucketResult/>")]).await;
    assert!(server.cos().list_objects(&request()).await.unwrap().objects.is_empty());
    assert_eq!(server.requests().len(), 3);

    let server = Server::start(vec![busy(); 5]).await;
    let error = server.cos().list_objects(&request()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (CosErrorKind::Throttled, true));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn the_server_is_left_alone_for_as_long_as_it_asks() {
    let busy = Reply::new("503 Service Unavailable", &["Retry-After: 1"], "");
    let server = Server::start([busy, Reply::new("200 OK", &[], "<ListBucketResult/>")]).await;
    let start = Instant::now();
    server.cos().list_objects(&request()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    for status in ["400 Bad Request", "403 Forbidden", "404 Not Found"] {
        let server = Server::start(vec![Reply::new(status, &[], ""); 3]).await;
        let error = server.cos().list_objects(&request()).await.unwrap_err();
        assert!(!error.is_temporary(), "{error}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_asked_for_again() {
    let cut = Reply::announcing(1000, "200 OK", &[], "<ListBucketResult>");
    let server = Server::start([cut, Reply::new("200 OK", &[], "<ListBucketResult/>")]).await;
    server.cos().list_objects(&request()).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let mute = || Reply::announcing(1000, "200 OK", &[], "<ListBucketResult>").then_silence();
    let server = Server::start([mute(), mute(), mute()]).await;
    let deadline = Duration::from_millis(500);
    let cos = server.cos().with_deadlines(Deadlines { answer: deadline, silence: deadline });
    let error = cos.list_objects(&request()).await.unwrap_err();
    assert_eq!((error.kind(), error.is_temporary()), (CosErrorKind::Unreachable, true));
    assert!(error.to_string().ends_with(": no answer for 0.5 s"), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = tencent_cos::CosConfig {
        secret_id: "id".into(),
        secret_key: "key".into(),
        session_token: None,
        region: None,
        endpoint: format!("http://{address}/{{bucket}}").parse().unwrap(),
        auto_switch_domain: false,
    };
    let error = tencent_cos::Cos::new(config).unwrap().list_buckets().await.unwrap_err();
    assert_eq!(error.kind(), CosErrorKind::Unreachable);
    assert_eq!(error.to_string(), format!("http://{address}: connection refused: nothing listens there"));
}
