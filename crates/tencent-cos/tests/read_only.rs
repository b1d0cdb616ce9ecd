//! COS is only ever read: whatever is called, nothing but GET and HEAD without a body is sent.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use scripted::{BUCKET, Reply, Server};
use tencent_cos::ListRequest;

#[tokio::test]
async fn every_call_is_a_read() {
    let server = Server::start(vec![Reply::new("404 Not Found", &[], ""); 5]).await;
    let cos = server.cos();
    let request = ListRequest { bucket: BUCKET.to_owned(), ..ListRequest::default() };
    assert!(cos.list_buckets().await.is_err());
    assert!(cos.list_objects(&request).await.is_err());
    assert!(cos.head_bucket(BUCKET, None).await.is_err());
    assert!(cos.head_object(BUCKET, None, "k").await.is_err());
    assert!(cos.get_object(BUCKET, None, "k").await.is_err());

    let requests = server.requests();
    let methods: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
    assert_eq!(methods, ["GET", "GET", "HEAD", "HEAD", "GET"]);
    for request in requests {
        assert_eq!((request.header("content-length"), request.header("transfer-encoding")), (None, None));
    }
}
