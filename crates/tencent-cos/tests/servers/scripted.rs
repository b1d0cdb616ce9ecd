//! A server that gives prepared answers, one per connection, and keeps what it was sent.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tencent_cos::{Cos, CosConfig, EndpointTemplate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const BUCKET: &str = "examplebucket-1250000000";
pub(crate) const SECRETS: [&str; 3] = ["AKIDsesame", "sesame-key", "sesame-token"];

/// A request head as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Bytes to send, and whether the connection is then closed.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    pause: Duration,
    then_silence: bool,
}

impl Reply {
    /// An answer with its length.
    pub(crate) fn new(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        Self::announcing(body.as_ref().len(), status, headers, body)
    }

    /// An answer that says of its length what `headers` say.
    pub(crate) fn without_length(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let head: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\n");
        Self { bytes: [head.as_bytes(), body.as_ref()].concat(), pause: Duration::ZERO, then_silence: false }
    }

    /// An answer that announces `length` bytes, whatever it sends.
    pub(crate) fn announcing(length: usize, status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        Self { bytes: [head.as_bytes(), body.as_ref()].concat(), pause: Duration::ZERO, then_silence: false }
    }

    /// Comes so late.
    pub(crate) fn after(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Leaves the connection open when the bytes are sent.
    pub(crate) fn then_silence(self) -> Self {
        Self { then_silence: true, ..self }
    }
}

/// Answers from a script; after its end, connections are closed without an answer.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    under_way: Arc<UnderWay>,
}

/// Requests that have come and are not answered, now and at most.
#[derive(Debug, Default)]
struct UnderWay {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server =
            Self { address: listener.local_addr().unwrap(), requests: Arc::default(), under_way: Arc::default() };
        let (requests, under_way) = (Arc::clone(&server.requests), Arc::clone(&server.under_way));
        let mut script = script.into_iter().collect::<Vec<_>>().into_iter();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, script.next(), Arc::clone(&requests), Arc::clone(&under_way)));
            }
        });
        server
    }

    /// A client of this server, which takes the bucket from the path.
    pub(crate) fn cos(&self) -> Cos {
        let [id, key, token] = SECRETS;
        let config = CosConfig {
            secret_id: id.into(),
            secret_key: key.into(),
            session_token: Some(token.into()),
            region: None,
            endpoint: EndpointTemplate::parse(&format!("http://{}/{{bucket}}", self.address)).unwrap(),
            auto_switch_domain: false,
        };
        Cos::new(config).unwrap()
    }

    pub(crate) fn most_at_a_time(&self) -> usize {
        self.under_way.most.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    reply: Option<Reply>,
    requests: Arc<Mutex<Vec<Request>>>,
    under_way: Arc<UnderWay>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let mut word = || words.next().unwrap().to_owned();
    let (method, target) = (word(), word());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    requests.lock().unwrap().push(Request { method, target, headers });
    let Some(reply) = reply else { return };
    let now = under_way.now.fetch_add(1, Ordering::SeqCst) + 1;
    under_way.most.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(reply.pause).await;
    under_way.now.fetch_sub(1, Ordering::SeqCst);
    let _ = stream.write_all(&reply.bytes).await;
    if reply.then_silence {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let _ = stream.shutdown().await;
}
