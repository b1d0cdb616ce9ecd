//! The text format of the recordings.
//!
//! `[t] >>> METHOD path`, then `>>> header: value` lines and the body; `[t] <<< status`, then
//! headers, a lone `<<<` and the body; `[t] WS(name) CONNECT url`, `TEXT`, `BINARY`, `SENT`,
//! `CLOSED`; `[t] ### title`.

/// One line of a recording and what belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Seconds since the start.
    pub(crate) time: f64,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Title(String),
    Request(Request),
    Response(Response),
    Connect { socket: String, path: String, headers: Vec<(String, String)> },
    Refused { socket: String, status: u16 },
    Text { socket: String, json: String },
    Binary { socket: String, description: String },
    Sent { socket: String, text: String },
    Closed { socket: String },
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// Whether the recorder kept only the beginning.
    pub(crate) fn is_cut(&self) -> bool {
        self.body.contains("[cut here by the recorder")
    }
}

/// A whole recording.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) entries: Vec<Entry>,
}

impl Recording {
    pub(crate) fn parse(text: &str) -> Self {
        let mut blocks: Vec<Vec<&str>> = Vec::new();
        for line in text.lines() {
            if timestamp(line).is_some() {
                blocks.push(vec![line]);
            } else if let Some(block) = blocks.last_mut() {
                block.push(line);
            }
        }
        Self { entries: blocks.iter().filter_map(|block| parse_block(block)).collect() }
    }
}

/// The time at the start of a line, and the rest.
fn timestamp(line: &str) -> Option<(f64, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (whole, part) = time.trim_start().split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(part)).then(|| (time.trim().parse().unwrap(), rest))
}

fn parse_block(block: &[&str]) -> Option<Entry> {
    let (time, first) = timestamp(block[0])?;
    let kind = if let Some(title) = first.strip_prefix("### ") {
        Kind::Title(title.to_owned())
    } else if let Some(line) = first.strip_prefix(">>> ") {
        Kind::Request(parse_request(line, &block[1..]))
    } else if let Some(line) = first.strip_prefix("<<< ") {
        Kind::Response(parse_response(line, &block[1..]))
    } else if first.starts_with("WS") {
        parse_socket(first, &block[1..])
    } else {
        panic!("not a line of a recording: {first}");
    };
    Some(Entry { time, kind })
}

fn parse_request(line: &str, rest: &[&str]) -> Request {
    let (method, path) = line.split_once(' ').unwrap();
    let mut headers = Vec::new();
    let mut body = Vec::new();
    for line in rest.iter().filter_map(|line| line.strip_prefix(">>>")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        match header(line).filter(|_| body.is_empty()) {
            Some(header) => headers.push(header),
            None => body.extend_from_slice(&request_body(line)),
        }
    }
    Request { method: method.to_owned(), path: path.to_owned(), headers, body }
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(": ")?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

/// A body as text, or as Python shows bytes.
fn request_body(line: &str) -> Vec<u8> {
    match line.strip_prefix("b'").and_then(|rest| rest.strip_suffix('\'')) {
        Some(literal) => python_bytes(literal),
        None => line.as_bytes().to_vec(),
    }
}

fn python_bytes(literal: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = literal.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().unwrap() {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    bytes
}

fn parse_response(line: &str, rest: &[&str]) -> Response {
    let status = line.split(' ').next().unwrap().parse().unwrap();
    let end = rest.iter().position(|line| line.trim_end() == "<<<").unwrap_or(rest.len());
    let headers = rest[..end].iter().filter_map(|line| header(line.strip_prefix("<<< ")?)).collect();
    let body = rest.get(end + 1..).unwrap_or_default().join("\n");
    Response { status, headers, body: body.trim_end_matches('\n').to_owned() }
}

fn parse_socket(line: &str, rest: &[&str]) -> Kind {
    const WORDS: [&str; 6] = [" CONNECT ", " TEXT ", " BINARY ", " SENT ", " CLOSED ", " ERROR "];
    let (position, word) = WORDS
        .iter()
        .filter_map(|word| Some((line.find(word)?, *word)))
        .min()
        .unwrap_or_else(|| panic!("not a line of a socket: {line}"));
    let socket = line[..position].to_owned();
    let value = &line[position + word.len()..];
    match word.trim() {
        "CONNECT" => {
            let (url, extra) = value.split_once(' ').unwrap_or((value, ""));
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            let headers = extra
                .trim_matches(['{', '}', ' '])
                .split_once(": ")
                .map(|(name, value)| (name.trim_matches('\'').to_owned(), value.trim_matches('\'').to_owned()))
                .into_iter()
                .collect();
            Kind::Connect { socket, path: format!("/{path}"), headers }
        }
        "TEXT" => Kind::Text { socket, json: value.to_owned() },
        "BINARY" => Kind::Binary { socket, description: rest[0].trim().to_owned() },
        "SENT" => Kind::Sent { socket, text: value.to_owned() },
        "CLOSED" => Kind::Closed { socket },
        _ => {
            let status = value.split("status=").nth(1).unwrap();
            let status = status.split(',').next().unwrap().parse().unwrap();
            Kind::Refused { socket, status }
        }
    }
}
