//! No secret and no signature is in what the crate shows: errors, their sources, and Debug of everything.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use std::error::Error;

use futures_util::StreamExt;
use scripted::{BUCKET, Reply, SECRETS, Server};
use tencent_cos::{CosError, ListRequest};

fn assert_clean(shown: &str) {
    for secret in SECRETS.into_iter().chain(["q-signature", "q-ak", "StringToSign"]) {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
}

fn assert_clean_error(error: &CosError) {
    assert_clean(&format!("{error:?}"));
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        assert_clean(&text);
        assert!(!text.contains('\n'), "{text}");
        next = error.source();
    }
}

#[tokio::test]
async fn a_server_that_repeats_secrets_does_not_get_them_shown() {
    let [id, key, token] = SECRETS;
    let body = |code: &str| {
        format!(
            "<Error><Code>{code}</Code><Message>{id} {key}\n{token}</Message>\
             <StringToSign>q-sign-algorithm=sha1&amp;q-ak={id}&amp;q-signature=0</StringToSign></Error>"
        )
    };
    for code in ["SignatureDoesNotMatch", "AccessDenied", "InvalidAccessKeyId", "SomethingNew"] {
        let server = Server::start([Reply::new("403 Forbidden", &[], body(code))]).await;
        let error = server.cos().list_buckets().await.unwrap_err();
        assert_clean_error(&error);
    }
    // However long what stands before it: a message is cut, and no part of a secret is left at its end.
    for before in 250..305 {
        let body = format!("<Error><Code>X</Code><Message>{}{key}</Message></Error>", "x".repeat(before));
        let server = Server::start([Reply::new("403 Forbidden", &[], body)]).await;
        let error = server.cos().list_buckets().await.unwrap_err();
        assert_clean_error(&error);
        assert!(!error.to_string().contains(&key[..4]), "{error}");
    }
    let listing = format!("<ListBucketResult><Size>{id}</Size>");
    let server = Server::start([Reply::new("200 OK", &[], listing)]).await;
    let request = ListRequest { bucket: BUCKET.to_owned(), ..ListRequest::default() };
    assert_clean_error(&server.cos().list_objects(&request).await.unwrap_err());
}

#[tokio::test]
async fn failures_on_the_way_show_no_signature() {
    let server = Server::start([]).await;
    assert_clean_error(&server.cos().list_buckets().await.unwrap_err());

    let redirect = Reply::new("302 Found", &["Location: http://elsewhere.example/?q-signature=0"], "");
    let server = Server::start([redirect]).await;
    let error = server.cos().list_buckets().await.unwrap_err();
    assert_clean_error(&error);
    assert!(error.to_string().contains("redirects to http://elsewhere.example"), "{error}");

    let server = Server::start([Reply::announcing(9, "200 OK", &[], "1234")]).await;
    let mut object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
    assert_clean(&format!("{object:?}"));
    while let Some(piece) = object.next().await {
        if let Err(error) = piece {
            assert_clean_error(&error);
        }
    }
}

#[tokio::test]
async fn the_client_shows_where_it_asks_and_not_as_whom() {
    let server = Server::start([]).await;
    let shown = format!("{:?} {:#?}", server.cos(), server.cos());
    assert_clean(&shown);
    assert!(shown.contains("http://127.0.0.1:"), "{shown}");
}
