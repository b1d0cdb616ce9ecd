//! COS as it answered while the official plugin was recorded.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dify_plugin_conformance::RecordedCase;
use serde::Deserialize;
use url::Url;

/// Longest head of a request that is read.
const MAX_HEAD: usize = 64 * 1024;

/// What COS answers where there is nothing.
const NOTHING_RECORDED: &str = "<Error><Code>NoSuchResource</Code><Message>This was not recorded.</Message></Error>";

/// An HTTP proxy that is COS and all of its buckets. It runs until the test process ends.
pub(crate) struct RecordedCos {
    address: SocketAddr,
    case: Arc<Mutex<Case>>,
}

/// What there is to answer in a case, and what was asked.
#[derive(Default)]
struct Case {
    exchanges: Vec<Exchange>,
    asked: Vec<Question>,
}

#[derive(Clone)]
struct Exchange {
    question: Question,
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

/// What matters of a request.
///
/// A parameter without a value is as good as none. `max-keys` is left out, and a `marker` that is the prefix, too: the
/// official plugin asks for one entry more than it needs and drops the folder itself; ours asks for what comes after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) parameters: BTreeSet<(String, String)>,
}

impl RecordedCos {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let case = Arc::new(Mutex::new(Case::default()));
        let served = Arc::clone(&case);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &served);
            }
        });
        Self { address, case }
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on answers what was answered in `case`; `traffic` is the file that says so. Without that file nothing.
    pub(crate) fn begin(&self, case: &RecordedCase, traffic: &Path) {
        let exchanges = std::fs::read_to_string(traffic).map(|text| read_exchanges(&text, case)).unwrap_or_default();
        *self.case.lock().unwrap() = Case { exchanges, asked: Vec::new() };
    }

    /// What was recorded and not asked, and what was asked and not recorded.
    pub(crate) fn finish(&self) -> (Vec<Question>, Vec<Question>) {
        let Case { exchanges, asked } = std::mem::take(&mut *self.case.lock().unwrap());
        let recorded: Vec<_> = exchanges.into_iter().map(|exchange| exchange.question).collect();
        let missing = recorded.iter().filter(|question| !asked.contains(question)).cloned().collect();
        (missing, asked.into_iter().filter(|question| !recorded.contains(question)).collect())
    }
}

impl Question {
    fn new(method: &str, url: &Url) -> Self {
        let mut parameters: BTreeSet<(String, String)> = url.query_pairs().into_owned().collect();
        let prefix = parameters.iter().find(|(name, _)| name == "prefix").map(|(_, prefix)| prefix.clone());
        parameters.retain(|(name, value)| {
            let is_prefix = name == "marker" && Some(value) == prefix.as_ref();
            !value.is_empty() && name != "max-keys" && !is_prefix
        });
        let host = url.host_str().unwrap().to_owned();
        Self { method: method.to_owned(), host, path: url.path().to_owned(), parameters }
    }
}

fn read_exchanges(text: &str, case: &RecordedCase) -> Vec<Exchange> {
    #[derive(Deserialize)]
    struct Recorded {
        request: Request,
        response: Response,
    }
    #[derive(Deserialize)]
    struct Request {
        method: String,
        host: String,
        target: String,
    }
    #[derive(Deserialize)]
    struct Response {
        status: u16,
        content_type: String,
        body: String,
    }
    let recorded: Vec<Recorded> = serde_json::from_str(text).unwrap();
    let exchange = |Recorded { request, response }| {
        let Request { method, host, target } = request;
        let url = Url::parse(&format!("http://{host}{target}")).unwrap();
        let body = match response.body.strip_prefix('<').and_then(|body| body.strip_suffix(" bytes>")) {
            None => response.body.into_bytes(),
            // Only their number was recorded; they themselves are in what the official plugin made of them.
            Some(length) => {
                let body = blob(case);
                assert_eq!(body.len().to_string(), length, "{}", case.name);
                body
            }
        };
        let Response { status, content_type, .. } = response;
        Exchange { question: Question::new(&method, &url), status, content_type, body }
    };
    recorded.into_iter().map(exchange).collect()
}

fn blob(case: &RecordedCase) -> Vec<u8> {
    let lines = case.out();
    let blob = lines.iter().find_map(|line| line.pointer("/data/data/message/blob")?.as_str());
    STANDARD.decode(blob.unwrap()).unwrap()
}

fn serve(mut stream: TcpStream, case: &Mutex<Case>) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == MAX_HEAD || !matches!(stream.read(&mut byte), Ok(1)) {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, url) = (words.next().unwrap(), Url::parse(words.next().unwrap()).unwrap());
    let question = Question::new(method, &url);
    let answer = {
        let mut case = case.lock().unwrap();
        case.asked.push(question.clone());
        case.exchanges.iter().find(|exchange| exchange.question == question).cloned()
    };
    let answer = answer.unwrap_or_else(|| Exchange {
        question,
        status: 404,
        content_type: "application/xml".to_owned(),
        body: NOTHING_RECORDED.into(),
    });
    let Exchange { status, content_type, body, .. } = answer;
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // A plugin that has gone away is seen by what it wrote.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}
