//! No secret and no signature reaches a log, not even at the finest level of the libraries beneath.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use std::sync::Mutex;

use futures_util::TryStreamExt;
use scripted::{BUCKET, Reply, SECRETS, Server};

struct Everything(Mutex<Vec<String>>);

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

static LOG: Everything = Everything(Mutex::new(Vec::new()));

#[tokio::test]
async fn what_is_logged_holds_no_secret() {
    log::set_logger(&LOG).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let server = Server::start([
        Reply::new("503 Service Unavailable", &[], ""),
        Reply::announcing(9, "200 OK", &["ETag: \"e\""], "1234"),
        Reply::new("206 Partial Content", &["Content-Range: bytes 4-8/9"], "56789"),
    ])
    .await;
    let object = server.cos().get_object(BUCKET, None, "k").await.unwrap();
    assert_eq!(object.try_collect::<Vec<_>>().await.unwrap().concat(), b"123456789");
    let lines = LOG.0.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line.contains("string_to_sign")), "the signer's log is not seen: {lines:#?}");
    for line in lines {
        for secret in SECRETS.into_iter().chain(["q-signature"]) {
            assert!(!line.contains(secret), "{secret} is in {line}");
        }
    }
}
