//! A client that sends exactly what it is told, signed.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cos_emulator::CosEmulator;

use crate::signer::{Signer, encode};

/// Nothing in these tests takes that long.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const BUCKET: &str = "photos-1250000000";
pub(crate) const HOST: &str = "photos-1250000000.cos.ap-beijing.myqcloud.com";

/// An emulator with one empty bucket in ap-beijing.
pub(crate) async fn server() -> CosEmulator {
    let server = CosEmulator::builder().credentials("AKIDtest", "secret").start().await.unwrap();
    server.create_bucket(BUCKET, "ap-beijing").unwrap();
    server
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    InHeader,
    InQuery,
    Not,
}

#[derive(Clone)]
pub(crate) struct Request {
    address: SocketAddr,
    method: String,
    host: String,
    /// As sent.
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    signed: Signed,
    secret_id: String,
    secret_key: String,
    window: (i64, i64),
}

impl Request {
    /// A GET of `key` in the bucket of [`server`].
    pub(crate) fn object(server: &CosEmulator, key: &str) -> Self {
        Self::raw(server, HOST, &format!("/{}", encode(key)))
    }

    /// A GET of that bucket.
    pub(crate) fn bucket(server: &CosEmulator) -> Self {
        Self::raw(server, HOST, "/")
    }

    /// A GET of `path`, which is sent as it is.
    pub(crate) fn raw(server: &CosEmulator, host: &str, path: &str) -> Self {
        let now = now();
        Self {
            address: server.address(),
            method: "GET".into(),
            host: host.into(),
            path: path.into(),
            query: vec![],
            headers: vec![],
            signed: Signed::InHeader,
            secret_id: server.secret_id().into(),
            secret_key: server.secret_key().into(),
            window: (now - 60, now + 600),
        }
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn key(mut self, secret_id: &str, secret_key: &str) -> Self {
        self.secret_id = secret_id.into();
        self.secret_key = secret_key.into();
        self
    }

    /// Seconds from now: first and last.
    pub(crate) fn window(mut self, first: i64, last: i64) -> Self {
        let now = now();
        self.window = (now + first, now + last);
        self
    }

    pub(crate) fn presigned(mut self) -> Self {
        self.signed = Signed::InQuery;
        self
    }

    pub(crate) fn unsigned(mut self) -> Self {
        self.signed = Signed::Not;
        self
    }

    pub(crate) fn send(self) -> Response {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(self.text().as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // A broken connection is an end, too: `complete` tells.
        let _ = stream.read_to_end(&mut bytes);
        Response::parse(&bytes, self.method == "HEAD")
    }

    fn text(&self) -> String {
        let signer = Signer { secret_id: &self.secret_id, secret_key: &self.secret_key, window: self.window };
        let path = percent_encoding::percent_decode_str(&self.path).decode_utf8_lossy();
        let mut signed_headers = self.headers.clone();
        signed_headers.push(("Host".into(), self.host.clone()));
        let fields = signer.sign(&self.method, &path, &self.query, &signed_headers);

        let mut query = self.query.clone();
        let mut headers = signed_headers;
        match self.signed {
            Signed::InHeader => {
                let fields: Vec<String> = fields.iter().map(|(n, v)| format!("{n}={v}")).collect();
                headers.push(("Authorization".into(), fields.join("&")));
            }
            Signed::InQuery => {
                query.extend(fields.into_iter().map(|(n, v)| (n.to_owned(), v)));
            }
            Signed::Not => {}
        }
        let query: Vec<String> =
            query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let mut target = self.path.clone();
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query.join("&"));
        }
        let mut text = format!("{} {target} HTTP/1.1\r\nConnection: close\r\n", self.method);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text
    }
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: BTreeMap<String, String>,
    /// The status line and the headers as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// All bytes came that the headers promised.
    pub(crate) complete: bool,
}

impl Response {
    fn parse(bytes: &[u8], head: bool) -> Self {
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no whole head: {:?}", String::from_utf8_lossy(bytes)));
        let text = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = text.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: BTreeMap<String, String> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let rest = &bytes[end + 4..];
        let (body, complete) = if headers.contains_key("transfer-encoding") {
            unchunk(rest)
        } else {
            let promised: Option<usize> = headers.get("content-length").map(|l| l.parse().unwrap());
            let none = head || status == "304";
            (rest.to_vec(), rest.len() == if none { 0 } else { promised.unwrap_or(0) })
        };
        Self { status: status.parse().unwrap(), headers, head: text.to_owned(), body, complete }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What stands in each `<tag>` of the body, entities replaced.
    pub(crate) fn all(&self, tag: &str) -> Vec<String> {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        self.text()
            .split(&open)
            .skip(1)
            .map(|rest| rest.split(&close).next().unwrap())
            .map(|text| {
                text.replace("&lt;", "<")
                    .replace("&gt;", ">")
                    .replace("&quot;", "\"")
                    .replace("&apos;", "'")
                    .replace("&amp;", "&")
            })
            .collect()
    }

    /// What stands in the first.
    pub(crate) fn one(&self, tag: &str) -> Option<String> {
        self.all(tag).into_iter().next()
    }

    /// Status and COS error code.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.one("Code").unwrap_or_default())
    }
}

fn unchunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return (body, false);
        };
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[end + 2..];
        if size == 0 {
            return (body, true);
        }
        if rest.len() < size + 2 {
            body.extend_from_slice(rest);
            return (body, false);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
