//! The least HTTP/1.1 that the benchmark needs: it stands beside the plugins and must cost nothing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::Failure;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first line and the headers of a message, in lower case.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) first_line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    /// `None` when the connection was closed before it.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        if from.read_line(&mut head.first_line)? == 0 {
            return Ok(None);
        }
        loop {
            let mut line = String::new();
            from.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) => head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Ok(Some(head)),
            }
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn content_length(&self) -> Result<u64, Failure> {
        Ok(self.header("content-length").ok_or("a message has no Content-Length")?.parse()?)
    }
}

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// To `host:port`.
    pub(crate) fn open(host: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(256 * 1024, stream), host: host.to_owned() })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Vec<u8>, Failure> {
        self.exchange(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host).as_bytes(), path)
    }

    pub(crate) fn post(&mut self, path: &str, content_type: &str, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        self.exchange(&[head.as_bytes(), body].concat(), path)
    }

    fn exchange(&mut self, request: &[u8], path: &str) -> Result<Vec<u8>, Failure> {
        self.stream.get_mut().write_all(request)?;
        let head = Head::read(&mut self.stream)?.ok_or("the server closed the connection")?;
        let mut body = Vec::new();
        if head.header("transfer-encoding") == Some("chunked") {
            self.read_chunks(&mut body)?;
        } else {
            self.stream.by_ref().take(head.content_length()?).read_to_end(&mut body)?;
        }
        match head.first_line.split(' ').nth(1) {
            Some("200") => Ok(body),
            _ => Err(format!("{path}: {}: {}", head.first_line.trim(), String::from_utf8_lossy(&body)).into()),
        }
    }

    fn read_chunks(&mut self, body: &mut Vec<u8>) -> Result<(), Failure> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let length = u64::from_str_radix(line.trim(), 16)?;
            self.stream.by_ref().take(length).read_to_end(body)?;
            line.clear();
            self.stream.read_line(&mut line)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
}
