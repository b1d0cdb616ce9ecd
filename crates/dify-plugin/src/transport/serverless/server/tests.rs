//! What takes time: deadlines on a paused clock, over connections in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::super::limits::{MAX_REQUEST_BODY, PLACE, REQUEST_BODY};
use super::*;
use crate::answering::Answering;
use crate::session::Shared;
use crate::{Error, Plugin, Reply, Tool, ToolCall, ToolProvider, ValidateCredentials};

const SILENCE: Duration = Duration::from_secs(300);

struct NoCredentials;

impl ValidateCredentials for NoCredentials {
    type Credentials = Map<String, Value>;

    async fn validate_credentials(&self, _: Map<String, Value>) -> Result<(), Error> {
        Ok(())
    }
}

/// Sends lines of 100 KB and then stays silent for so many seconds. Counts the calls that were dropped.
struct Work(Arc<AtomicUsize>);

#[derive(serde::Deserialize)]
struct WorkParameters {
    lines: usize,
    seconds: u64,
}

struct CountsWhenDropped(Arc<AtomicUsize>, bool);

impl Drop for CountsWhenDropped {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Tool for Work {
    type Credentials = Map<String, Value>;
    type Parameters = WorkParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let mut counts = CountsWhenDropped(Arc::clone(&self.0), false);
        for _ in 0..call.parameters.lines {
            reply.text("x".repeat(100_000)).await?;
        }
        sleep(Duration::from_secs(call.parameters.seconds)).await;
        counts.1 = true;
        Ok(())
    }
}

struct Server {
    service: Arc<Service>,
    connections: GracefulShutdown,
    dropped: Arc<AtomicUsize>,
}

impl Server {
    fn new(calls: usize) -> Self {
        let dropped = Arc::new(AtomicUsize::new(0));
        let provider = ToolProvider::new("p", NoCredentials).tool("work", Work(Arc::clone(&dropped)));
        let plugin = Arc::new(Plugin::new("test", "0").tools(provider));
        let answering = Answering::new(plugin, Arc::new(Shared::new(0)));
        let settings = ServerlessSettings { host: String::new(), port: 0, calls, silence: SILENCE, daemon_url: None };
        let service = Arc::new(Service::new(answering, &settings));
        Self { service, connections: GracefulShutdown::new(), dropped }
    }

    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(16 * 1024);
        tokio::spawn(serve_connection(theirs, Arc::clone(&self.service), SILENCE, self.connections.watcher()));
        ours
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

fn invoke(lines: usize, seconds: u64) -> String {
    let data = json!({"user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "p", "tool": "work",
        "credentials": {}, "tool_parameters": {"lines": lines, "seconds": seconds}});
    let body = json!({"session_id": "s", "event": "request", "data": data}).to_string();
    format!("POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// All that comes until the other end closes.
async fn read_all(mut stream: DuplexStream) -> String {
    let mut text = Vec::new();
    // A connection that breaks off is one that ended, too.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

/// What comes until `end` has come.
async fn read_until(stream: &mut DuplexStream, end: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "ended: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&piece[..length]);
    }
    String::from_utf8(text).unwrap()
}

async fn until(condition: impl Fn() -> bool + Send) {
    while !condition() {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_not_waited_for_and_an_idle_connection_is_kept_longer() {
    let server = Server::new(1);
    for (sent, limit) in [("POST /inv", HEAD), ("", IDLE)] {
        let start = Instant::now();
        let mut stream = server.connect();
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(read_all(stream).await, "", "{sent:?}");
        assert!(start.elapsed() >= limit && start.elapsed() < limit + HEAD / 2, "{sent:?}: {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_of_a_second_request_is_waited_for_no_longer_than_that_of_the_first() {
    let server = Server::new(1);
    let mut stream = server.connect();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut stream, "OK").await;
    // Idle for longer than a head may take.
    sleep(2 * HEAD).await;
    stream.write_all(b"GET /hea").await.unwrap();
    let start = Instant::now();
    assert_eq!(read_all(stream).await, "");
    assert!(start.elapsed() < 2 * HEAD, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered() {
    let server = Server::new(1);
    let mut stream = server.connect();
    let start = Instant::now();
    stream.write_all(b"POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("RequestTimeout"), "{answer}");
    assert!(start.elapsed() < 2 * REQUEST_BODY);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_announced_as_too_large_is_refused_before_it_comes() {
    let server = Server::new(1);
    let mut stream = server.connect();
    let head = format!("POST /invoke HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", MAX_REQUEST_BODY + 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_place_waits_and_is_then_told_to_try_again() {
    let server = Server::new(1);
    let mut first = server.connect();
    first.write_all(invoke(0, 60).as_bytes()).await.unwrap();
    read_until(&mut first, "200 OK").await;
    let mut second = server.connect();
    let start = Instant::now();
    second.write_all(invoke(0, 0).as_bytes()).await.unwrap();
    let answer = read_until(&mut second, "}").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    assert!(answer.contains("MAX_WORKER"), "{answer}");
    assert!(start.elapsed() >= PLACE && start.elapsed() < 2 * PLACE);
    // The same connection serves, once there is a place.
    read_until(&mut first, "0\r\n\r\n").await;
    second.write_all(invoke(0, 0).as_bytes()).await.unwrap();
    read_until(&mut second, "0\r\n\r\n").await;
    assert_eq!(server.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_nothing_to_say_is_given_up_and_its_reader_told() {
    let server = Server::new(1);
    let mut stream = server.connect();
    let start = Instant::now();
    stream.write_all(invoke(0, 10_000).as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "0\r\n\r\n").await;
    assert!(answer.contains("TimeoutError") && answer.contains("MAX_REQUEST_TIMEOUT"), "{answer}");
    assert!(answer.contains(r#"{"type":"end","data":{}}"#), "{answer}");
    assert!(start.elapsed() >= SILENCE && start.elapsed() < 2 * SILENCE, "{:?}", start.elapsed());
    assert_eq!(server.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_loses_its_call() {
    let server = Server::new(1);
    let mut stream = server.connect();
    let start = Instant::now();
    stream.write_all(invoke(100, 0).as_bytes()).await.unwrap();
    until(|| server.dropped() == 1).await;
    assert!(start.elapsed() >= SILENCE && start.elapsed() < 2 * SILENCE, "{:?}", start.elapsed());
    // One that takes a little now and then keeps it.
    let mut slow = server.connect();
    slow.write_all(invoke(20, 0).as_bytes()).await.unwrap();
    let mut read = 0;
    let mut piece = vec![0; 100_000];
    while read < 2_000_000 {
        sleep(SILENCE / 2).await;
        read += slow.read(&mut piece).await.unwrap();
    }
    assert_eq!(server.dropped(), 1);
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_no_call_behind() {
    let server = Server::new(1);
    let mut stream = server.connect();
    stream.write_all(invoke(0, 100).as_bytes()).await.unwrap();
    read_until(&mut stream, "200 OK").await;
    let start = Instant::now();
    drop(stream);
    until(|| server.dropped() == 1).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_calls_have_time_and_are_then_told() {
    let server = Server::new(2);
    let mut short = server.connect();
    short.write_all(invoke(1, DRAIN.as_secs() / 2).as_bytes()).await.unwrap();
    let mut long = server.connect();
    long.write_all(invoke(1, 10_000).as_bytes()).await.unwrap();
    let mut idle = server.connect();
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "OK").await;
    read_until(&mut long, "200 OK").await;
    let (mut short, mut long) = (tokio::spawn(read_all(short)), tokio::spawn(read_all(long)));
    let start = Instant::now();
    server.service.draining.cancel();
    server.service.calls.close();
    let mut probe = server.connect();
    probe.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_all(probe).await.starts_with("HTTP/1.1 503 "));
    let mut late = server.connect();
    late.write_all(invoke(0, 0).as_bytes()).await.unwrap();
    let answer = read_all(late).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("PluginStopping"), "{answer}");
    // Signals are the process's; nothing comes here.
    let mut stop = StopSignal::new().unwrap();
    assert!(drain(&server.service, &mut stop).await, "a call was at work");
    assert!(start.elapsed() >= DRAIN && start.elapsed() < 2 * DRAIN, "{:?}", start.elapsed());
    server.connections.shutdown().await;
    let (short, long) = ((&mut short).await.unwrap(), (&mut long).await.unwrap());
    assert!(short.contains(r#"{"type":"end","data":{}}"#) && !short.contains("error"), "the short one was cut");
    assert!(long.contains("PluginStoppedError") && long.ends_with("0\r\n\r\n"), "the long one was not told");
    assert_eq!(server.dropped.load(Ordering::SeqCst), 1);
}
