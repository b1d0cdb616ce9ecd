//! Definitions that are kept for a while, on a server that counts how often it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::{Router, routing::get};
use comfyui::{ClientError, NodeDefinitionCache};
use tokio::sync::Semaphore;

use crate::any_server::client;

struct Counting {
    url: String,
    asked: Arc<AtomicUsize>,
    /// Each answer takes one.
    answers: Arc<Semaphore>,
}

impl Counting {
    async fn start(status: StatusCode, answers: usize) -> Self {
        let (asked, answers) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(answers)));
        let (counter, permits) = (Arc::clone(&asked), Arc::clone(&answers));
        let answer = move || {
            let (counter, permits) = (Arc::clone(&counter), Arc::clone(&permits));
            async move {
                let count = counter.fetch_add(1, Ordering::SeqCst);
                permits.acquire().await.unwrap().forget();
                (status, format!("{{\"Class{count}\": {{\"input\": {{}}, \"output\": [\"IMAGE\"]}}}}"))
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/object_info", get(answer));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, asked, answers }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

/// Polls these until each waits for something.
async fn many<T: Send + 'static>(
    count: usize,
    call: impl Fn() -> tokio::task::JoinHandle<T>,
) -> Vec<tokio::task::JoinHandle<T>> {
    let calls = (0..count).map(|_| call()).collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    calls
}

#[tokio::test]
async fn many_callers_at_once_ask_once() {
    let server = Counting::start(StatusCode::OK, 0).await;
    let cache = Arc::new(NodeDefinitionCache::new());
    let client = client(&server.url, "");
    let calls = many(20, || {
        let (cache, client) = (Arc::clone(&cache), client.clone());
        tokio::spawn(async move { cache.get(&client).await.unwrap() })
    })
    .await;
    server.until_asked(1).await;
    server.answers.add_permits(1);
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap());
    }
    assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, &answers[0]) && answer.get("Class0").is_some()));
    assert!(Arc::ptr_eq(&cache.get(&client).await.unwrap(), &answers[0]), "kept");
    assert_eq!(server.asked(), 1);

    // A class is missing in these: one more request, whoever misses it.
    server.answers.add_permits(1);
    let newer = cache.get_anew(&client, &answers[0]).await.unwrap();
    assert!(newer.get("Class1").is_some());
    assert!(Arc::ptr_eq(&cache.get_anew(&client, &answers[0]).await.unwrap(), &newer));
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_failure_is_shared_and_not_kept() {
    let server = Counting::start(StatusCode::BAD_GATEWAY, 0).await;
    let cache = Arc::new(NodeDefinitionCache::new());
    let client = client(&server.url, "");
    let calls = many(5, || {
        let (cache, client) = (Arc::clone(&cache), client.clone());
        tokio::spawn(async move { cache.get(&client).await.unwrap_err() })
    })
    .await;
    server.until_asked(1).await;
    server.answers.add_permits(1);
    for call in calls {
        let error = call.await.unwrap();
        assert!(matches!(*error, ClientError::Status { status: 502, .. }), "{error}");
    }
    assert_eq!(server.asked(), 1);
    server.answers.add_permits(1);
    assert!(cache.get(&client).await.is_err());
    assert_eq!(server.asked(), 2);
}

#[tokio::test]
async fn a_caller_that_is_gone_leaves_the_others_with_an_answer() {
    let server = Counting::start(StatusCode::OK, 0).await;
    let cache = Arc::new(NodeDefinitionCache::new());
    let client = client(&server.url, "");
    let call = || {
        let (cache, client) = (Arc::clone(&cache), client.clone());
        tokio::spawn(async move { cache.get(&client).await })
    };
    let first = call();
    server.until_asked(1).await;
    let second = many(1, call).await.remove(0);
    first.abort();
    server.answers.add_permits(2);
    assert!(second.await.unwrap().unwrap().get("Class1").is_some());
}

#[tokio::test]
async fn other_credentials_and_other_servers_are_asked_for_themselves() {
    let (one, other) = (Counting::start(StatusCode::OK, 9).await, Counting::start(StatusCode::OK, 9).await);
    let cache = NodeDefinitionCache::new();
    for _ in 0..2 {
        for (url, key) in [(&one.url, "k3y"), (&one.url, ""), (&other.url, "k3y")] {
            cache.get(&client(url, key)).await.unwrap();
        }
    }
    assert_eq!((one.asked(), other.asked()), (2, 1));
    assert!(!format!("{cache:?}").contains("k3y"));
}

#[tokio::test]
async fn there_is_an_end_to_what_is_kept() {
    let servers = [
        Counting::start(StatusCode::OK, 9).await,
        Counting::start(StatusCode::OK, 9).await,
        Counting::start(StatusCode::OK, 9).await,
    ];
    let asked = || servers.each_ref().map(Counting::asked);
    let clients = servers.each_ref().map(|server| client(&server.url, ""));
    let two = NodeDefinitionCache::with_limits(Duration::from_secs(60), 2, 1 << 20);
    for index in [0, 1, 0, 2, 0, 1] {
        two.get(&clients[index]).await.unwrap();
    }
    assert_eq!(asked(), [1, 2, 1], "the one that was used last stays");

    let small = NodeDefinitionCache::with_limits(Duration::from_secs(60), 2, 10);
    let brief = NodeDefinitionCache::with_limits(Duration::ZERO, 2, 1 << 20);
    for cache in [&small, &brief] {
        cache.get(&clients[2]).await.unwrap();
        cache.get(&clients[2]).await.unwrap();
    }
    assert_eq!(asked(), [1, 2, 5], "too long, and too old at once");
}
