//! A file from this machine, by HTTP/1.0: what a node that downloads may have. Nothing else is asked for anything.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

/// For each step on the way.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest header.
const MAX_HEADER: usize = 64 << 10;
/// The longest body.
const MAX_BODY: u64 = 64 << 20;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    /// The URL is none that is asked.
    #[error("the emulator downloads from http on loopback only")]
    Elsewhere,
    /// The exchange failed.
    #[error("{0}")]
    Connection(#[from] std::io::Error),
    /// The answer is no success.
    #[error("{0} {1}")]
    Status(u16, String),
    /// The answer is none of HTTP, or too long.
    #[error("the answer is not understood")]
    Garbled,
}

/// Fetches a file and throws it away; how many bytes it had. The token goes along as a Bearer key.
pub(crate) fn download(url: &Url, token: Option<&SecretString>) -> Result<u64, DownloadError> {
    let mut stream = connect(url)?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let host = url.host_str().unwrap_or_default();
    let authorization =
        token.map(|token| format!("Authorization: Bearer {}\r\n", token.expose_secret())).unwrap_or_default();
    let request = format!("GET {target} HTTP/1.0\r\nHost: {host}\r\n{authorization}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let (head, start) = head(&mut stream)?;
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.splitn(3, ' ').skip(1);
    let status: u16 = words.next().and_then(|status| status.parse().ok()).ok_or(DownloadError::Garbled)?;
    if status != 200 {
        return Err(DownloadError::Status(status, words.next().unwrap_or_default().to_owned()));
    }
    let rest = std::io::copy(&mut stream.take(MAX_BODY), &mut std::io::sink())?;
    Ok(start + rest)
}

fn connect(url: &Url) -> Result<TcpStream, DownloadError> {
    let port = url.port_or_known_default().filter(|_| url.scheme() == "http").ok_or(DownloadError::Elsewhere)?;
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain("localhost")) => IpAddr::from([127, 0, 0, 1]),
        _ => return Err(DownloadError::Elsewhere),
    };
    if !address.is_loopback() {
        return Err(DownloadError::Elsewhere);
    }
    let address = (address, port).to_socket_addrs()?.next().ok_or(DownloadError::Elsewhere)?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The header, and how many bytes of the body came with it.
fn head(stream: &mut TcpStream) -> Result<(String, u64), DownloadError> {
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece)?;
        received.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(received.get(..end).unwrap_or_default()).into_owned();
            return Ok((head, (received.len() - end - 4) as u64));
        }
        if count == 0 || received.len() > MAX_HEADER {
            return Err(DownloadError::Garbled);
        }
    }
}
