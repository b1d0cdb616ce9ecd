//! Answers longer than any of COS's are given up before they fill memory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosErrorKind, ListRequest};

fn page_of_buckets(page: usize, count: usize) -> Reply {
    let buckets: String = (0..count).map(|number| format!("<Bucket><Name>b{page}-{number}</Name></Bucket>")).collect();
    Reply::new(
        "200 OK",
        &[],
        format!(
            "<ListAllMyBucketsResult><Buckets>{buckets}</Buckets><IsTruncated>true</IsTruncated><NextMarker>{page}\
             </NextMarker></ListAllMyBucketsResult>"
        ),
    )
}

#[tokio::test]
async fn a_list_of_more_than_8_mib_is_not_read() {
    let body = format!("<ListBucketResult>{}", " ".repeat(9 << 20));
    let server = Server::start([Reply::new("200 OK", &[], body)]).await;
    let request = ListRequest { bucket: BUCKET.to_owned(), ..ListRequest::default() };
    let error = server.cos().list_objects(&request).await.unwrap_err();
    assert!(error.to_string().contains("longer than 8388608 bytes"), "{error}");
}

#[tokio::test]
async fn of_a_long_error_the_beginning_is_read() {
    let body = format!("<Error><Code>NoSuchBucket</Code><Message>{}", "x".repeat(20 << 20));
    let server = Server::start([Reply::new("404 Not Found", &[], body)]).await;
    let error = server.cos().head_object(BUCKET, None, "k").await.unwrap_err();
    assert_eq!(error.kind(), CosErrorKind::NoSuchKey);
    assert!(error.to_string().len() < 2000, "{error}");
}

#[tokio::test]
async fn buckets_without_end_are_an_error() {
    let server = Server::start((0..60).map(|page| page_of_buckets(page, 1))).await;
    let error = server.cos().list_buckets().await.unwrap_err();
    assert!(error.to_string().contains("the list of buckets does not end"), "{error}");

    let server = Server::start((0..3).map(|page| page_of_buckets(page, 60_000))).await;
    let error = server.cos().list_buckets().await.unwrap_err();
    assert!(error.to_string().contains("more than 100000"), "{error}");
}
