//! What cannot be read although it is there is said with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosError, CosErrorKind};

async fn refusal(script: impl IntoIterator<Item = Reply>) -> (CosError, Vec<String>) {
    let server = Server::start(script).await;
    let error = server.cos().get_object(BUCKET, None, "k").await.unwrap_err();
    (error, server.requests().into_iter().map(|request| request.method).collect())
}

fn archived() -> Reply {
    let body = "<Error><Code>InvalidObjectState</Code><RequestId>Njk=</RequestId></Error>";
    Reply::new("403 Forbidden", &[], body)
}

#[tokio::test]
async fn an_archived_object_is_named_with_its_storage_class() {
    for (headers, words) in [
        (vec!["x-cos-storage-class: DEEP_ARCHIVE"], "is archived (DEEP_ARCHIVE): restore it in COS, then read it"),
        (
            vec!["x-cos-storage-class: ARCHIVE", "x-cos-restore: ongoing-request=\"true\""],
            "is archived (ARCHIVE) and being restored: read it when that is done",
        ),
    ] {
        let (error, methods) = refusal([archived(), Reply::new("200 OK", &headers, "")]).await;
        assert_eq!(error.kind(), CosErrorKind::InvalidObjectState);
        assert_eq!(error.to_string(), format!("object \"k\" in bucket {BUCKET} {words} (request id Njk=)"));
        assert_eq!(methods, ["GET", "HEAD"]);
    }
}

#[tokio::test]
async fn who_may_not_ask_for_the_class_learns_the_rest() {
    let (error, _) = refusal([archived(), Reply::new("403 Forbidden", &[], "")]).await;
    assert!(error.to_string().contains("is archived: restore it in COS"), "{error}");
}

#[tokio::test]
async fn a_key_of_the_customers_own_is_said_to_be_missing() {
    let body = "<Error><Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side Encryption.\
        </Message></Error>";
    let (error, methods) = refusal([Reply::new("400 Bad Request", &[], body)]).await;
    assert_eq!((error.kind(), methods.len()), (CosErrorKind::CustomerKeyNeeded, 1));
    assert!(error.to_string().contains("SSE-C"), "{error}");
}

#[tokio::test]
async fn a_deleted_version_is_not_called_missing() {
    let body = "<Error><Code>NoSuchKey</Code></Error>";
    let (error, _) = refusal([Reply::new("404 Not Found", &["x-cos-delete-marker: true"], body)]).await;
    assert_eq!(error.kind(), CosErrorKind::NoSuchKey);
    assert!(error.to_string().contains("was deleted"), "{error}");
}

/// COS follows a symbolic link itself; where it leads nowhere, COS's own words are passed on.
#[tokio::test]
async fn what_has_no_words_of_ours_keeps_those_of_cos() {
    let body = "<Error><Code>SymlinkTargetNotExist</Code><Message>The target is gone.</Message></Error>";
    let (error, _) = refusal([Reply::new("404 Not Found", &["x-cos-request-id: NjUw"], body)]).await;
    let text = error.to_string();
    assert!(text.ends_with("HTTP 404 SymlinkTargetNotExist: The target is gone. (request id NjUw)"), "{text}");
}
