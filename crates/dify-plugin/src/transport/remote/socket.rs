use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use tokio::time::timeout;

/// How long to look up the host and connect to it.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the server may take nothing of what is written. The daemon reads nothing of a plugin while one of Dify's
/// clients is slow, and hangs up itself when it has seen no heartbeat for one to two minutes.
const WRITE: Duration = Duration::from_secs(120);

/// When a silent connection is looked at first, and how often then: what stands between forgets a connection that is
/// silent for some minutes.
#[cfg(unix)]
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long what was sent may be unacknowledged: a server that vanished, with its machine or the network, says nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// A connection that blocks, with deadlines for its writes.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let connecting = timeout(CONNECT, tokio::net::TcpStream::connect((host, port)));
    let stream = connecting.await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", CONNECT.as_secs())))
    })?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    prepare(&stream, WRITE)?;
    Ok(stream)
}

fn prepare(stream: &TcpStream, write: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(write))?;
    #[cfg(unix)]
    {
        rustix::net::sockopt::set_socket_keepalive(stream, true)?;
        #[cfg(not(any(target_os = "macos", target_os = "ios")))]
        rustix::net::sockopt::set_tcp_keepidle(stream, KEEP_ALIVE)?;
        rustix::net::sockopt::set_tcp_keepintvl(stream, KEEP_ALIVE)?;
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let milliseconds = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
        rustix::net::sockopt::set_tcp_user_timeout(stream, milliseconds)?;
    }
    Ok(())
}

/// Hangs up when dropped, which also ends a read or a write that another thread is in.
#[derive(Debug)]
pub(super) struct HangUp(pub(super) TcpStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        // What is gone already needs no goodbye.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_server_that_takes_nothing_does_not_hold_a_write_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _never_read = listener.accept().unwrap();
        prepare(&stream, Duration::from_millis(50)).unwrap();
        let error = stream.write_all(&vec![0; 64 * 1024 * 1024]).unwrap_err();
        assert!(matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut), "{error:?}");
    }

    #[test]
    fn hanging_up_ends_a_read_of_another_thread() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let _silent = listener.accept().unwrap();
        let hang_up = HangUp(stream.try_clone().unwrap());
        let reading = thread::spawn(move || stream.read(&mut [0; 8]));
        drop(hang_up);
        assert_eq!(reading.join().unwrap().unwrap(), 0);
    }
}
