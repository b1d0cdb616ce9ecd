use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::limits::HANDSHAKE;
use dify_plugin_protocol::{Handshake, RegistrationLine};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::ending::Ending;
use super::incoming::{Arrival, Incoming};
use super::report::Report;
use super::socket::{self, HangUp};
use crate::outbox::Outbox;
use crate::runtime;
use crate::session::Shared;
use crate::settings::RemoteInstall;
use crate::transport::lines::INPUT_QUEUE;
use crate::{Declaration, Plugin};

/// How long to listen for a refusal after the handshake, and again after the rest: the daemon says nothing when all is
/// well. Waiting before more is sent lets its words arrive; they are lost when it hangs up on lines it has not read.
const QUIET: Duration = Duration::from_millis(500);

/// How long the server may take to read the registration.
const REGISTRATION: Duration = Duration::from_secs(30);

/// Until when, from the connecting on, a text of the server's is about the registration, and hanging up too.
const MAY_REFUSE: Duration = HANDSHAKE.saturating_add(Duration::from_secs(5));

/// What all connections of a process have in common.
#[derive(Debug)]
pub(super) struct Connecting<'a> {
    pub(super) plugin: Arc<Plugin>,
    pub(super) declaration: Declaration,
    pub(super) remote: &'a RemoteInstall,
    pub(super) heartbeat_interval: Duration,
    pub(super) shared: Arc<Shared>,
    pub(super) calls: &'a TaskTracker,
    pub(super) report: &'a Report,
}

impl Connecting<'_> {
    /// Connects, registers, and serves until the connection ends. Dropped before, it hangs up and drops the calls.
    pub(super) async fn serve(&self) -> Ending {
        let stream = match socket::connect(&self.remote.host, self.remote.port).await {
            Ok(stream) => stream,
            // So soon that the connection was not even seen.
            Err(error) if is_hang_up(&error) => return Ending::HungUp,
            Err(error) => return Ending::NotConnected { reason: error.to_string() },
        };
        self.report.connected();
        let ending = match self.serve_on(stream).await {
            Ok(ending) => ending,
            Err(error) => Ending::NotConnected { reason: error.to_string() },
        };
        match ending {
            // No server should repeat it, and it is shown.
            Ending::Refused { text } => Ending::Refused { text: text.replace(self.key(), "(the key)") },
            ending => ending,
        }
    }

    fn key(&self) -> &str {
        self.remote.key.expose_secret()
    }

    /// `Err`: the system has no thread or descriptor left.
    async fn serve_on(&self, stream: TcpStream) -> io::Result<Ending> {
        let connected = Instant::now();
        let _hang_up = HangUp(stream.try_clone()?);
        let mut incoming = Incoming::of(stream.try_clone()?)?;
        let (sender, input) = mpsc::channel(INPUT_QUEUE);
        for lines in [handshake(&self.remote.key)?, self.declaration.registration.into()] {
            let written = write(stream.try_clone()?, lines).await;
            // Whatever became of the writing: what the server said of it is worth more.
            match incoming.within(QUIET).await {
                Some(Arrival::Protocol(line)) => {
                    let _ = sender.send(line).await;
                }
                Some(Arrival::Refusal(text)) => return Ok(Ending::Refused { text }),
                Some(Arrival::Closed) => return Ok(Ending::HungUp),
                None => {}
            }
            if let Err(error) = written {
                let reason = format!("the registration was not read: {error}");
                return Ok(if is_hang_up(&error) { Ending::HungUp } else { Ending::NotConnected { reason } });
            }
        }
        let (outbox, writer) = Outbox::start(stream, self.heartbeat_interval)?;
        self.report.registered();
        let broken = outbox.clone();
        let plugin = Arc::clone(&self.plugin);
        let mut serving = Box::pin(runtime::serve(plugin, input, outbox, Arc::clone(&self.shared), self.calls));
        let ending = {
            let mut listening = Box::pin(listen(&mut incoming, &sender, connected));
            tokio::select! {
                ending = &mut listening => ending,
                () = &mut serving => Heard::Closed,
                // The server's last words may be on their way.
                () = broken.broken() => timeout(QUIET, &mut listening).await.unwrap_or(Heard::Silence),
            }
        };
        // Asked before they are dropped, which they are in no time.
        let calls = self.calls.len();
        drop(serving);
        Ok(match ending {
            Heard::Refusal(text) => Ending::Refused { text },
            Heard::Closed if !incoming.accepted() && connected.elapsed() < MAY_REFUSE => Ending::HungUp,
            Heard::Closed => {
                let reason = incoming.end().map_or_else(|error| error.to_string(), |()| "it was closed".to_owned());
                Ending::Lost { reason, calls }
            }
            Heard::Silence => {
                drop(broken);
                let reason = match spawn_blocking(|| writer.join()).await {
                    Ok(Ok(Err(error))) if matches!(error.kind(), io::ErrorKind::WouldBlock) => {
                        "the server does not read".to_owned()
                    }
                    Ok(Ok(Err(error))) => error.to_string(),
                    _ => "it broke".to_owned(),
                };
                Ending::Lost { reason, calls }
            }
        })
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

/// How listening ended.
enum Heard {
    Refusal(String),
    Closed,
    /// It did not; the writing did.
    Silence,
}

/// Passes on what the server sends.
async fn listen(incoming: &mut Incoming, sender: &mpsc::Sender<runtime::Input>, connected: Instant) -> Heard {
    loop {
        if connected.elapsed() >= MAY_REFUSE {
            incoming.accept();
        }
        match incoming.next().await {
            Arrival::Protocol(line) => {
                if sender.send(line).await.is_err() {
                    return Heard::Closed;
                }
            }
            Arrival::Refusal(text) => return Heard::Refusal(text),
            Arrival::Closed => return Heard::Closed,
        }
    }
}

fn handshake(key: &SecretString) -> io::Result<Vec<u8>> {
    let handshake = Handshake { key: key.expose_secret().to_owned() };
    let mut line = serde_json::to_vec(&RegistrationLine::Handshake(handshake))?;
    line.push(b'\n');
    Ok(line)
}

/// Writes on a thread of its own, since the server may read slowly.
async fn write(mut stream: TcpStream, lines: Vec<u8>) -> io::Result<()> {
    let writing = spawn_blocking(move || stream.write_all(&lines));
    match timeout(REGISTRATION, writing).await {
        Ok(Ok(written)) => written,
        Ok(Err(_)) => Err(io::Error::other("the writer failed")),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
