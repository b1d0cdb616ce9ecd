//! Dify's upload URL, as it was when the sessions were recorded.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Dify's upload URL as it was recorded: answers what was answered, and holds what was posted.
pub(crate) struct UploadServer {
    recorded: Option<Value>,
    address: String,
    posted: Arc<Mutex<Vec<u8>>>,
}

impl UploadServer {
    pub(crate) fn of(case: &str, file: &Path) -> Self {
        let recorded: Option<Value> = match std::fs::read_to_string(file) {
            Ok(text) => Some(serde_json::from_str(&text).unwrap()),
            // Its exchange was not recorded, but its outcome was.
            Err(_) if case == "upload_file_refused" => Some(json!({"response": {"status": 403, "json": {}}})),
            Err(_) => None,
        };
        let posted = Arc::new(Mutex::new(Vec::new()));
        let mut address = String::new();
        if let Some(recorded) = &recorded {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            address = listener.local_addr().unwrap().to_string();
            let body = recorded["response"]["json"].to_string();
            let status = recorded["response"]["status"].as_u64().unwrap();
            let posted = Arc::clone(&posted);
            thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                while !is_complete(&request) {
                    let length = stream.read(&mut piece).unwrap();
                    assert!(length > 0, "the upload broke off");
                    request.extend_from_slice(&piece[..length]);
                }
                *posted.lock().unwrap() = request;
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                stream.write_all(answer.as_bytes()).unwrap();
            });
        }
        Self { recorded, address, posted }
    }

    /// The recorded URL points at a port that is long gone.
    pub(crate) fn redirect(&self, line: &str) -> String {
        let Some((before, after)) = line.split_once("http://127.0.0.1:").filter(|_| self.recorded.is_some()) else {
            return line.to_owned();
        };
        let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{before}http://{}{path}", self.address)
    }

    /// Its port is another one each time.
    pub(crate) fn hide_address(&self, line: &Value) -> Value {
        if self.recorded.is_none() {
            return line.clone();
        }
        serde_json::from_str(&line.to_string().replace(&self.address, "<address>")).unwrap()
    }

    /// The same file was posted under the same name and type.
    pub(crate) fn check(&self, case: &str) {
        let Some(recorded) = &self.recorded else { return };
        let posted = String::from_utf8(self.posted.lock().unwrap().clone()).unwrap();
        let Some(recorded) = recorded["request"]["body"].as_str() else { return };
        assert_eq!(part(&posted), part(recorded), "{case}");
    }
}

fn is_complete(request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map(|length| length.parse().unwrap());
    body.len() >= length.unwrap_or(usize::MAX)
}

/// Disposition, type and content of the one part, in whatever case the header names are.
fn part(body: &str) -> (String, String, String) {
    let start = body.to_ascii_lowercase().find("content-disposition:").unwrap();
    let (head, content) = body[start..].split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(name)).unwrap();
        line.split_once(':').unwrap().1.trim().to_owned()
    };
    let content = content.split("\r\n--").next().unwrap();
    (header("content-disposition"), header("content-type"), content.to_owned())
}
