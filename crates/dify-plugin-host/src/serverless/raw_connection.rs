use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A TCP connection on which anything can be said, for requests that no HTTP client makes. Dropping it closes it.
#[derive(Debug)]
pub struct RawConnection(TcpStream);

impl RawConnection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: &str) -> io::Result<Self> {
        TcpStream::connect(address).await.map(Self)
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// When the other end is gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]> + Send) -> io::Result<()> {
        self.0.write_all(bytes.as_ref()).await
    }

    /// Writes a whole `POST /invoke` with this body.
    ///
    /// # Errors
    /// When the other end is gone.
    pub async fn invoke(&mut self, body: &str) -> io::Result<()> {
        let head = format!("POST /invoke HTTP/1.1\r\nHost: plugin\r\nContent-Length: {}\r\n\r\n", body.len());
        self.send(head + body).await
    }

    /// Reads until `text` has come; all that came.
    ///
    /// # Errors
    /// When the connection ends before.
    pub async fn read_until(&mut self, text: &str) -> io::Result<String> {
        let mut read = Vec::new();
        let mut piece = [0; 8192];
        loop {
            let seen = String::from_utf8_lossy(&read);
            if seen.contains(text) {
                return Ok(seen.into_owned());
            }
            match self.0.read(&mut piece).await? {
                0 => return Err(io::Error::other(format!("the connection ended after {seen:?}"))),
                length => read.extend_from_slice(&piece[..length]),
            }
        }
    }

    /// Reads until the other end closes or resets; all that came.
    pub async fn read_all(mut self) -> String {
        let mut read = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).into_owned()
    }
}
