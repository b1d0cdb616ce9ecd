//! Does to the emulator what the recorder did to the real server, at the recorded pace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use comfyui_emulator::{ComfyUiEmulator, Folder};
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::comparison::{Names, compare_json, without_counters};
use crate::probe_nodes::{ProbeBlock, ProbeFail, ProbeSampler, ProbeText};
use crate::recording::{Kind, Recording, Request, Response};

/// How long a frame that was recorded may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest pause that is kept.
const LONGEST_PAUSE: f64 = 1.2;

/// Headers that must be the same.
const HEADERS: [&str; 10] = [
    "content-type",
    "content-disposition",
    "content-range",
    "accept-ranges",
    "x-content-type-options",
    "cache-control",
    "vary",
    "allow",
    "transfer-encoding",
    "connection",
];

/// How a case went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) case: String,
    pub(crate) differences: Vec<String>,
}

struct Socket {
    sink: SplitSink<WebSocketStream<MaybeTlsStream<TcpStream>>, Message>,
    frames: Arc<Mutex<Vec<Message>>>,
    reader: tokio::task::JoinHandle<()>,
    /// What was recorded so far: JSON, or the description of a binary frame.
    recorded: Vec<Kind>,
}

struct Replay {
    server: ComfyUiEmulator,
    client: reqwest::Client,
    names: Names,
    sockets: HashMap<String, Socket>,
    outcomes: Vec<Outcome>,
    /// Frames are compared at the end, when all ids are known.
    finished: Vec<(String, Vec<Kind>, Vec<Message>)>,
}

/// Replays everything but the sections with these titles. In a `timed` recording the ticks of nodes
/// are left out and `status` frames are compared apart from the others.
pub(crate) async fn replay(
    recording: Recording,
    skipped: Vec<&'static str>,
    timed: bool,
    multi_user: bool,
) -> Vec<Outcome> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ComfyUiEmulator::builder();
    let builder = if multi_user { builder.multi_user() } else { builder };
    let server = builder.node(ProbeSampler).node(ProbeFail).node(ProbeBlock).node(ProbeText).start().await.unwrap();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let mut replay = Replay {
        server,
        client,
        names: Names::default(),
        sockets: HashMap::new(),
        outcomes: Vec::new(),
        finished: Vec::new(),
    };
    let mut section = String::new();
    let mut last = 0.0;
    let mut counts: HashMap<String, usize> = HashMap::new();
    let entries = recording.entries;
    for (index, entry) in entries.iter().enumerate() {
        if let Kind::Title(title) = &entry.kind {
            section.clone_from(title);
        }
        let skip = skipped.iter().any(|title| section.starts_with(title));
        if !matches!(entry.kind, Kind::Closed { .. }) && skip {
            last = entry.time;
            continue;
        }
        match &entry.kind {
            Kind::Title(title) => replay.do_as_titled(title).await,
            Kind::Request(request) => {
                replay.keep_pace(entry.time - last).await;
                let label = format!("{} {}", request.method, request.path);
                let count = counts.entry(label.clone()).or_default();
                *count += 1;
                let label = format!("{label} #{count}");
                // The answer may have been recorded after some frames.
                let response = entries[index..].iter().find_map(|entry| match &entry.kind {
                    Kind::Response(response) => Some(response),
                    _ => None,
                });
                let response = response.unwrap_or_else(|| panic!("no answer to {label}"));
                let differences = replay.exchange(request, response).await;
                replay.outcomes.push(Outcome { case: label, differences });
            }
            Kind::Response(_) => {}
            Kind::Connect { socket, path, headers } => {
                replay.keep_pace(entry.time - last).await;
                let refusal = entries[index..].iter().find_map(|entry| match &entry.kind {
                    Kind::Refused { socket: refused, status } if refused == socket => Some(*status),
                    _ => None,
                });
                replay.connect(socket, path, headers, refusal).await;
            }
            Kind::Refused { .. } => {}
            Kind::Text { socket, .. } | Kind::Binary { socket, .. } => {
                let kind = entry.kind.clone();
                replay.sockets.get_mut(socket).unwrap().recorded.push(kind);
            }
            Kind::Sent { socket, text } => {
                let sink = &mut replay.sockets.get_mut(socket).unwrap().sink;
                sink.send(Message::text(text.clone())).await.unwrap();
            }
            Kind::Closed { socket } => {
                replay.keep_pace(entry.time - last).await;
                replay.close(socket).await;
            }
        }
        last = entry.time;
    }
    let open: Vec<String> = replay.sockets.keys().cloned().collect();
    for socket in open {
        replay.wait_for_frames().await;
        replay.close(&socket).await;
    }
    let names = replay.names.clone();
    for (case, recorded, actual) in std::mem::take(&mut replay.finished) {
        let differences = if timed {
            compare_timed_frames(&recorded, &actual, &names)
        } else {
            compare_frames(&recorded, &actual, &names)
        };
        replay.outcomes.push(Outcome { case, differences });
    }
    replay.server.stop().await;
    replay.outcomes
}

impl Replay {
    /// Waits for every frame that was recorded by now, then for the recorded pause.
    async fn keep_pace(&self, pause: f64) {
        let pause = Duration::from_secs_f64(pause.clamp(0.0, LONGEST_PAUSE));
        self.wait_for_frames().await;
        sleep(pause).await;
    }

    async fn wait_for_frames(&self) {
        let deadline = Instant::now() + PATIENCE;
        let complete = |socket: &Socket| {
            socket.frames.lock().unwrap().len() >= socket.recorded.len() || socket.reader.is_finished()
        };
        while !self.sockets.values().all(complete) && Instant::now() < deadline {
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// What the recorder did to the server's disk is only told in a title.
    async fn do_as_titled(&self, title: &str) {
        if title.starts_with("delete the cached output file on disk") {
            self.wait_for_frames().await;
            assert!(self.server.remove_file(Folder::Output, "rec/cached2_00001_.png"));
        }
    }

    async fn connect(&mut self, name: &str, path: &str, headers: &[(String, String)], refusal: Option<u16>) {
        let url = format!("{}{path}", self.server.url().replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (header, value) in headers {
            let header = HeaderName::from_bytes(header.as_bytes()).unwrap();
            let value = HeaderValue::from_str(&self.with_port(value)).unwrap();
            request.headers_mut().insert(header, value);
        }
        match (connect_async(request).await, refusal) {
            (Ok((socket, _)), None) => {
                let (sink, mut stream) = socket.split();
                let frames = Arc::new(Mutex::new(Vec::new()));
                let kept = Arc::clone(&frames);
                let reader = tokio::spawn(async move {
                    while let Some(Ok(message)) = stream.next().await {
                        kept.lock().unwrap().push(message);
                    }
                });
                let socket = Socket { sink, frames, reader, recorded: Vec::new() };
                self.sockets.insert(name.to_owned(), socket);
            }
            (result, refusal) => {
                let status = match result {
                    Err(Error::Http(response)) => Some(response.status().as_u16()),
                    _ => None,
                };
                let differences = if status == refusal {
                    Vec::new()
                } else {
                    vec![format!("the handshake gave {status:?}, was {refusal:?}")]
                };
                self.outcomes.push(Outcome { case: format!("{name} handshake"), differences });
            }
        }
    }

    async fn close(&mut self, name: &str) {
        let Some(socket) = self.sockets.remove(name) else { return };
        socket.reader.abort();
        let frames = socket.frames.lock().unwrap().clone();
        let before = self.finished.iter().filter(|(case, ..)| case.starts_with(name)).count();
        let case = format!("{name} #{}", before + 1);
        // An id that the server made is known from the first frame on.
        if let (Some(Kind::Text { json, .. }), Some(Message::Text(actual))) = (socket.recorded.first(), frames.first())
        {
            let recorded: Value = serde_json::from_str(json).unwrap();
            self.names.learn(&recorded, &serde_json::from_str(actual).unwrap());
        }
        self.finished.push((case, socket.recorded, frames));
    }

    /// Ids that the server gave to open sockets, for requests that name them.
    fn learn_from_sockets(&mut self) {
        for socket in self.sockets.values() {
            let frames = socket.frames.lock().unwrap();
            if let (Some(Kind::Text { json, .. }), Some(Message::Text(actual))) =
                (socket.recorded.first(), frames.first())
            {
                let recorded: Value = serde_json::from_str(json).unwrap();
                self.names.learn(&recorded, &serde_json::from_str(actual).unwrap());
            }
        }
    }

    fn with_port(&self, text: &str) -> String {
        let port = self.server.url().rsplit(':').next().unwrap();
        text.replace("8188", port).replace("8190", port)
    }

    async fn exchange(&mut self, request: &Request, recorded: &Response) -> Vec<String> {
        self.learn_from_sockets();
        let path = self.names.translate(&request.path);
        let path = self.path_of_today(&path);
        let url = format!("{}{path}", self.server.url());
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap();
        let body = match std::str::from_utf8(&request.body) {
            Ok(text) => self.names.translate(text).into_bytes(),
            Err(_) => request.body.clone(),
        };
        let mut builder = self.client.request(method, url).body(body);
        for (name, value) in &request.headers {
            let value = if name == "If-None-Match" { self.etag(&path).await } else { value.clone() };
            builder = builder.header(name, self.with_port(&self.names.translate(&value)));
        }
        let response = match builder.send().await {
            Ok(response) => response,
            Err(error) => return vec![format!("no answer: {error}")],
        };
        let mut differences = Vec::new();
        let status = response.status().as_u16();
        if status != recorded.status {
            differences.push(format!("the status is {status}, was {}", recorded.status));
        }
        for name in HEADERS {
            let actual = response.headers().get(name).map(|value| value.to_str().unwrap());
            let was = recorded.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
            let was = was.map(|(_, value)| value.as_str());
            if actual.map(without_counters) != was.map(without_counters) {
                differences.push(format!("{name} is {actual:?}, was {was:?}"));
            }
        }
        let is_json = recorded
            .headers
            .iter()
            .any(|(name, value)| name == "Content-Type" && value.starts_with("application/json"));
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return vec![format!("half an answer: {error}")],
        };
        if !differences.is_empty() {
            differences.push(format!("the body is {}", String::from_utf8_lossy(&body)));
        } else if is_json && request.method != "HEAD" {
            let text = String::from_utf8_lossy(&body);
            if let (Ok(recorded), Ok(actual)) = (serde_json::from_str(&recorded.body), serde_json::from_str(&text)) {
                self.names.learn(&recorded, &actual);
            }
            if !recorded.is_cut() {
                differences.extend(compare_json(&recorded.body, &text, &self.names));
            }
        } else if let Some((_, shown)) = recorded.body.split_once(" bytes> b'") {
            differences.extend(compare_start(shown, &body));
        } else if recorded.body != String::from_utf8_lossy(&body) {
            differences.push(format!("the body is {:?}, was {:?}", String::from_utf8_lossy(&body), recorded.body));
        }
        differences
    }

    /// `/view` of a file whose name the server made.
    fn path_of_today(&self, path: &str) -> String {
        if !path.contains("_temp_") {
            return path.to_owned();
        }
        let name = self.server.file_names(Folder::Temp).pop().unwrap();
        let start = path.find("ComfyUI_temp_").unwrap();
        let end = path[start..].find(".png").unwrap() + start + ".png".len();
        format!("{}{name}{}", &path[..start], &path[end..])
    }

    async fn etag(&self, path: &str) -> String {
        let url = format!("{}{path}", self.server.url());
        let response = self.client.get(url).send().await.unwrap();
        response.headers()["etag"].to_str().unwrap().to_owned()
    }
}

/// The first bytes of a file, which name its format.
fn compare_start(shown: &str, actual: &[u8]) -> Vec<String> {
    let starts: [(&str, &[u8]); 4] =
        [("\\x89PNG", b"\x89PNG"), ("\\xff\\xd8", b"\xff\xd8"), ("RIFF", b"RIFF"), ("<", b"<")];
    match starts.iter().find(|(start, _)| shown.starts_with(start)) {
        Some((_, bytes)) if !actual.starts_with(bytes) => {
            vec![format!("the body does not start as {shown}")]
        }
        _ => Vec::new(),
    }
}

fn compare_timed_frames(recorded: &[Kind], actual: &[Message], names: &Names) -> Vec<String> {
    const TICKS: [&str; 2] = ["progress", "progress_state"];
    let recorded_type = |kind: &Kind| match kind {
        Kind::Text { json, .. } => type_of(json),
        _ => String::new(),
    };
    let actual_type = |message: &Message| match message {
        Message::Text(text) => type_of(text),
        _ => String::new(),
    };
    let mut differences = Vec::new();
    for lane in [true, false] {
        let wanted = |kind: &str| (kind == "status") == lane && !TICKS.contains(&kind);
        let recorded: Vec<Kind> = recorded.iter().filter(|kind| wanted(&recorded_type(kind))).cloned().collect();
        let actual: Vec<Message> = actual.iter().filter(|frame| wanted(&actual_type(frame))).cloned().collect();
        differences.extend(compare_frames(&recorded, &actual, names));
    }
    differences
}

fn type_of(json: &str) -> String {
    let json: Value = serde_json::from_str(json).unwrap();
    json["type"].as_str().unwrap_or_default().to_owned()
}

fn compare_frames(recorded: &[Kind], actual: &[Message], names: &Names) -> Vec<String> {
    let mut differences = Vec::new();
    for (index, kind) in recorded.iter().enumerate() {
        let found = match (kind, actual.get(index)) {
            (_, None) => vec!["is missing".to_owned()],
            (Kind::Text { json, .. }, Some(Message::Text(text))) => compare_json(json, text, names),
            (Kind::Binary { description, .. }, Some(Message::Binary(frame))) => {
                compare_binary(&names.translate(description), frame)
            }
            (_, Some(other)) => vec![format!("is {other:?}")],
        };
        if !found.is_empty() {
            differences.push(format!("frame {index}: {}, recorded {kind:?}", found.join("; ")));
            // What follows is only shifted.
            return differences;
        }
    }
    for extra in actual.iter().skip(recorded.len()) {
        differences.push(format!("one more frame: {extra:?}"));
    }
    differences
}

/// `event_type=1 PREVIEW_IMAGE image_format=1 ...`, `event_type=3 TEXT node_id_len=1 ...`,
/// `event_type=4 PREVIEW_IMAGE_WITH_METADATA metadata_len=166 metadata={...} image=...`.
fn compare_binary(description: &str, frame: &[u8]) -> Vec<String> {
    let number = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
    let length = number(4) as usize;
    match number(0) {
        1 => {
            let start = format!("event_type=1 PREVIEW_IMAGE image_format={} ", number(4));
            let magic: &[u8] = if number(4) == 1 { b"\xff\xd8" } else { b"\x89PNG" };
            if description.starts_with(&start) && frame[8..].starts_with(magic) {
                return Vec::new();
            }
        }
        3 => {
            let node = std::str::from_utf8(&frame[8..8 + length]).unwrap();
            let text: String = frame[8 + length..].iter().map(|&byte| python_byte(byte)).collect();
            let expected = format!("event_type=3 TEXT node_id_len={length} node_id=b'{node}' text=b'{text}'");
            if description == expected {
                return Vec::new();
            }
            return vec![format!("is {expected}")];
        }
        4 => {
            let metadata = std::str::from_utf8(&frame[8..8 + length]).unwrap();
            let start = format!(
                "event_type=4 PREVIEW_IMAGE_WITH_METADATA metadata_len={length} \
                 metadata={metadata} image="
            );
            if description.starts_with(&start) {
                return Vec::new();
            }
            return vec![format!("is {start}")];
        }
        _ => {}
    }
    vec![format!("is of type {} with {length}", number(0))]
}

fn python_byte(byte: u8) -> String {
    match byte {
        b'\n' => "\\n".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    }
}
