//! Lists go on from page to page, and every object and bucket is listed once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosErrorKind, ListRequest};

fn request() -> ListRequest {
    ListRequest { bucket: BUCKET.to_owned(), ..ListRequest::default() }
}

fn objects(inner: &str) -> Reply {
    Reply::new("200 OK", &[], format!("<ListBucketResult><EncodingType>url</EncodingType>{inner}</ListBucketResult>"))
}

fn buckets(inner: &str) -> Reply {
    Reply::new("200 OK", &[], format!("<ListAllMyBucketsResult>{inner}</ListAllMyBucketsResult>"))
}

#[tokio::test]
async fn the_marker_of_a_page_asks_for_the_next() {
    let server = Server::start([
        objects(
            "<IsTruncated>true</IsTruncated><NextMarker>%E6%8A%A5/b%20c+%25</NextMarker>\
             <Contents><Key>%E6%8A%A5/b%20c+%25</Key><Size>1</Size></Contents>",
        ),
        objects("<IsTruncated>false</IsTruncated><Contents><Key>%E6%8A%A5/d</Key><Size>2</Size></Contents>"),
    ])
    .await;
    let cos = server.cos();
    let mut request =
        ListRequest { prefix: "报/".to_owned(), delimiter: Some("/".to_owned()), max_keys: Some(1), ..request() };
    let first = cos.list_objects(&request).await.unwrap();
    assert_eq!(first.next_marker.as_deref(), Some("报/b c+%"));
    request.marker = first.next_marker;
    let second = cos.list_objects(&request).await.unwrap();
    assert_eq!((second.is_truncated, second.next_marker), (false, None));

    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    let common = format!("/{BUCKET}/?encoding-type=url&max-keys=1&prefix=%E6%8A%A5%2F&delimiter=%2F");
    assert_eq!(targets, [common.clone(), format!("{common}&marker=%E6%8A%A5%2Fb%20c%2B%25")]);
}

#[tokio::test]
async fn buckets_are_listed_to_the_end() {
    let server = Server::start([
        buckets(
            "<Buckets><Bucket><Name>a-1</Name><Location>ap-beijing</Location></Bucket></Buckets>\
             <IsTruncated>true</IsTruncated><NextMarker>a-1</NextMarker>",
        ),
        buckets(
            "<Buckets><Bucket><Name>b-1</Name></Bucket><Bucket><Name>c-1</Name></Bucket></Buckets>\
             <IsTruncated>true</IsTruncated>",
        ),
        buckets("<Buckets/><IsTruncated>false</IsTruncated>"),
    ])
    .await;
    let names: Vec<_> = server.cos().list_buckets().await.unwrap().into_iter().map(|bucket| bucket.name).collect();
    assert_eq!(names, ["a-1", "b-1", "c-1"]);
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/?max-keys=2000", "/?marker=a-1&max-keys=2000", "/?marker=c-1&max-keys=2000"]);
}

#[tokio::test]
async fn a_list_that_turns_in_circles_ends() {
    let same = buckets("<Buckets><Bucket><Name>a-1</Name></Bucket></Buckets><IsTruncated>true</IsTruncated>");
    let server = Server::start(vec![same; 100]).await;
    let error = server.cos().list_buckets().await.unwrap_err();
    assert_eq!(error.kind(), CosErrorKind::Unreadable, "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_list_longer_than_any_of_cos_is_not_read() {
    let server = Server::start([objects(&" ".repeat(9 << 20))]).await;
    let error = server.cos().list_objects(&request()).await.unwrap_err();
    assert!(error.to_string().contains("longer than 8388608 bytes"), "{error}");
}

#[tokio::test]
async fn page_sizes_beyond_those_of_cos_are_not_sent() {
    let server = Server::start([]).await;
    for max_keys in [0, 1001] {
        let error =
            server.cos().list_objects(&ListRequest { max_keys: Some(max_keys), ..request() }).await.unwrap_err();
        assert_eq!(error.kind(), CosErrorKind::InvalidRequest, "{error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn something_else_than_cos_is_said_to_be_so() {
    let server =
        Server::start([Reply::new("200 OK", &["x-cos-request-id: Njk="], "<html><body>Hi</body></html>")]).await;
    let error = server.cos().list_objects(&request()).await.unwrap_err();
    assert_eq!((error.kind(), error.request_id()), (CosErrorKind::Unreadable, Some("Njk=")));
    let text = error.to_string();
    assert!(text.contains("the answer is not a ListBucketResult; is this a COS endpoint?"), "{text}");
}
