//! Odd keys reach the server byte for byte, and the signature covers the host as it is sent.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use percent_encoding::percent_decode_str;
use scripted::{BUCKET, Reply, Server};

#[tokio::test]
async fn odd_keys_reach_the_server_byte_for_byte() {
    let keys = [
        "a//b///c",
        "/lead",
        "//",
        "dir/",
        "./a",
        "../a",
        "a/../b",
        "a/./b",
        "a/..",
        "../../etc/passwd",
        "...",
        "%2e%2e/a",
        "a%2Fb",
        "a b",
        " a ",
        "a+b",
        "100%",
        "a#b?c&d=e;f",
        "a\\b",
        "a'b\"c<d>e`f{g}h|i^j",
        "a:b@c,d!e*f(g)[h]$~",
        "报告 一.txt",
        "😀/é/e\u{301}",
        "a\nb\r\tc\u{1b}\u{7f}\u{0}",
        "trailing dots...",
        "trailing/..dots.. ",
    ];
    let server = Server::start(vec![Reply::new("200 OK", &[], ""); keys.len()]).await;
    let cos = server.cos();
    for key in keys {
        cos.head_object(BUCKET, None, key).await.unwrap();
    }
    let requests = server.requests();
    assert_eq!(requests.len(), keys.len());
    for (key, request) in keys.into_iter().zip(requests) {
        let path = request.target.strip_prefix(&format!("/{BUCKET}/")).unwrap();
        assert_eq!(percent_decode_str(path).decode_utf8().unwrap(), key);
        assert!(!path.contains('?'), "{key:?} became a query");
    }
}

#[tokio::test]
async fn the_host_is_signed_with_its_port() {
    let server = Server::start([Reply::new("200 OK", &[], "")]).await;
    let cos = server.cos();
    cos.head_bucket(BUCKET, None).await.unwrap();
    let [request] = server.requests().try_into().unwrap();
    let origin = cos.endpoint().to_string();
    assert_eq!(request.header("host"), origin.strip_prefix("http://").unwrap().strip_suffix("/{bucket}"));
    let authorization = request.header("authorization").unwrap();
    assert!(authorization.contains("&q-header-list=host&"), "{authorization}");
}

#[tokio::test]
async fn keys_that_no_url_carries_are_not_sent() {
    let server = Server::start([]).await;
    for key in ["", ".", ".."] {
        assert!(server.cos().get_object(BUCKET, None, key).await.is_err());
    }
    assert!(server.requests().is_empty());
}
