//! Dify's file server: hands out one picture, and takes uploads, which it counts and forgets.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::Failure;
use crate::http::Head;

const BUFFER: usize = 1024 * 1024;

/// A server on a free port of 127.0.0.1, for as long as the benchmark runs.
#[derive(Debug)]
pub(crate) struct FilesOfDify {
    address: SocketAddr,
    received: Arc<AtomicU64>,
}

impl FilesOfDify {
    pub(crate) fn start(picture: Vec<u8>) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let received = Arc::new(AtomicU64::new(0));
        let (picture, count) = (Arc::new(picture), Arc::clone(&received));
        thread::Builder::new().name("files of Dify".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let (picture, count) = (Arc::clone(&picture), Arc::clone(&count));
                thread::spawn(move || {
                    if let Err(error) = serve(stream, &picture, &count) {
                        eprintln!("Dify's file server: {error}");
                    }
                });
            }
        })?;
        Ok(Self { address, received })
    }

    pub(crate) fn picture_url(&self) -> String {
        format!("http://{}/files/picture.png", self.address)
    }

    pub(crate) fn upload_url(&self) -> String {
        format!("http://{}/files/upload/for-plugin", self.address)
    }

    /// Bytes of the bodies that were uploaded since it was last asked, multipart boundaries included.
    pub(crate) fn take_received(&self) -> u64 {
        self.received.swap(0, Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, picture: &[u8], received: &AtomicU64) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let mut from = BufReader::with_capacity(BUFFER, stream);
    while let Some(head) = Head::read(&mut from)? {
        if head.first_line.starts_with("GET ") {
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n", picture.len());
            from.get_mut().write_all(&[answer.as_bytes(), picture].concat())?;
            continue;
        }
        let mut left = head.content_length()?;
        while left > 0 {
            let length = (from.fill_buf()?.len() as u64).min(left);
            if length == 0 {
                return Err("an upload broke off".into());
            }
            from.consume(usize::try_from(length)?);
            received.fetch_add(length, Ordering::SeqCst);
            left -= length;
        }
        let answer = r#"{"id":"00000000-0000-0000-0000-000000000000","name":"large.bin","size":0,"extension":".bin"}"#;
        let length = answer.len();
        let answer = format!(
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{answer}"
        );
        from.get_mut().write_all(answer.as_bytes())?;
    }
    Ok(())
}
