//! No more requests are under way than the limit says, whatever clients they come from.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "servers/scripted.rs"]
mod scripted;

use std::time::Duration;

use futures_util::future::join_all;
use scripted::{BUCKET, Reply, Server};
use tencent_cos::{CosError, Deadlines, RequestLimit};

const MOST: usize = 3;

#[tokio::test]
async fn requests_wait_for_each_other() {
    let slow = || Reply::new("200 OK", &[], "").after(Duration::from_millis(40));
    let server = Server::start((0..12).map(|_| slow())).await;
    let limit = RequestLimit::new(MOST);
    let clients: Vec<_> = (0..12).map(|_| server.cos().with_limit(limit.clone())).collect();
    let asked = join_all(clients.iter().map(|cos| cos.head_object(BUCKET, None, "k"))).await;
    assert!(asked.iter().all(Result::is_ok));
    assert_eq!(server.most_at_a_time(), MOST);
}

#[tokio::test]
async fn a_download_keeps_its_place_until_it_ends() {
    let server = Server::start([Reply::new("200 OK", &[], "body"), Reply::new("200 OK", &[], "")]).await;
    let answer = Duration::from_millis(200);
    let cos = server.cos().with_limit(RequestLimit::new(1)).with_deadlines(Deadlines { answer, silence: answer });
    let object = cos.get_object(BUCKET, None, "k").await.unwrap();
    let error = cos.head_object(BUCKET, None, "k").await.unwrap_err();
    assert!(matches!(error, CosError::Busy { most: 1, .. }), "{error}");
    drop(object);
    cos.head_object(BUCKET, None, "k").await.unwrap();
}
