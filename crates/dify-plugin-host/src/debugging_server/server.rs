use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dify_plugin_protocol::limits::HANDSHAKE;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex as AsyncMutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use uuid::Uuid;

use super::registering::Registering;
use super::{DebuggingFault, Registration};
use crate::host::DifyHost;
use crate::process::PluginProcess;

/// How long a connection is kept of which nothing is read.
const KEPT_UNREAD: Duration = Duration::from_secs(60);

/// A plugin that has registered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DebuggedPlugin {
    /// Where it is called. Dropped, or [stopped](PluginProcess::stop), it hangs up.
    pub plugin: PluginProcess,
    /// What it said of itself.
    pub registration: Registration,
}

/// A connection that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RegistrationRefused(
    /// What the daemon says then, or what happened.
    pub String,
);

type Outcome = Result<DebuggedPlugin, RegistrationRefused>;

/// A debugging server on a port of its own, with one key. It ends when it is dropped; plugins that have registered stay.
#[derive(Debug)]
pub struct DebuggingServer {
    address: SocketAddr,
    key: String,
    outcomes: AsyncMutex<mpsc::UnboundedReceiver<Outcome>>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    faults: Mutex<VecDeque<DebuggingFault>>,
    connections: AtomicUsize,
}

impl Drop for DebuggingServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DebuggingServer {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start(dify: &DifyHost) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), &Uuid::new_v4().to_string(), dify).await
    }

    /// Listens at `address`, as a server that comes back does, for plugins with this key.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start_on(address: SocketAddr, key: &str, dify: &DifyHost) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, outcomes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(accept(listener, key.to_owned(), dify.clone(), Arc::clone(&shared), sender));
        Ok(Self { address, key: key.to_owned(), outcomes: AsyncMutex::new(outcomes), shared, task })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it knows plugins by.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What a plugin's environment has to hold.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("INSTALL_METHOD", "remote".to_owned()),
            ("REMOTE_INSTALL_URL", self.address.to_string()),
            ("REMOTE_INSTALL_KEY", self.key.clone()),
        ]
    }

    /// Does this with the next connection that has no fault waiting for it.
    pub fn fault(&self, fault: DebuggingFault) {
        self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// How many connections there were.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// What became of the next connection, in the order in which that was known.
    ///
    /// # Errors
    /// [`RegistrationRefused`] when the plugin did not register.
    pub async fn next(&self) -> Result<DebuggedPlugin, RegistrationRefused> {
        let outcome = self.outcomes.lock().await.recv().await;
        outcome.unwrap_or_else(|| Err(RegistrationRefused("the server ended".to_owned())))
    }
}

async fn accept(
    listener: TcpListener,
    key: String,
    dify: DifyHost,
    shared: Arc<Shared>,
    outcomes: mpsc::UnboundedSender<Outcome>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let fault = shared.faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let (key, dify, outcomes) = (key.clone(), dify.clone(), outcomes.clone());
        tokio::spawn(async move {
            let _ = outcomes.send(register(stream, &key, &dify, fault).await);
        });
    }
}

async fn register(stream: TcpStream, key: &str, dify: &DifyHost, fault: Option<DebuggingFault>) -> Outcome {
    let happened = |what: &str| Err(RegistrationRefused(what.to_owned()));
    match fault {
        Some(DebuggingFault::Reset) => return happened(reset(&stream)),
        Some(DebuggingFault::ReadsNothing) => {
            sleep(KEPT_UNREAD).await;
            return happened("read nothing");
        }
        _ => {}
    }
    let (read, write) = stream.into_split();
    let mut connection = Connection { read: BufReader::new(read), write, consumed: 0, fault };
    let deadline = Instant::now() + HANDSHAKE;
    let mut registering = Registering::new(key);
    loop {
        let line = connection.line();
        // For the handshake alone there is a deadline.
        let line = if registering.is_known() {
            line.await
        } else {
            timeout_at(deadline, line).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        };
        let line = match line {
            Ok(line) if line.trim_ascii().is_empty() => continue,
            Ok(line) => line,
            Err(error) => return happened(&format!("the connection ended: {error}")),
        };
        let was_known = registering.is_known();
        match registering.take(&line) {
            Ok(true) => break,
            Ok(false) => {}
            Err(text) => {
                let _ = connection.write.write_all(format!("{text}\n").as_bytes()).await;
                return Err(RegistrationRefused(text));
            }
        }
        if !was_known && let Some(what) = connection.after_handshake().await {
            return happened(what);
        }
    }
    let plugin = PluginProcess::connected(connection.read, connection.write, dify);
    Ok(DebuggedPlugin { plugin, registration: registering.into_registration() })
}

struct Connection {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    consumed: usize,
    fault: Option<DebuggingFault>,
}

impl Connection {
    /// The next line with its newline. An end is an error.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let buffer = self.read.fill_buf().await?;
            let most = match self.fault {
                Some(DebuggingFault::CutAfter { bytes }) => bytes.saturating_sub(self.consumed),
                Some(DebuggingFault::ReadsSlowly { bytes }) => {
                    sleep(Duration::from_millis(1)).await;
                    bytes.max(1)
                }
                _ => usize::MAX,
            };
            let buffer = buffer.get(..most).unwrap_or(buffer);
            if buffer.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = memchr::memchr(b'\n', buffer).map(|end| end + 1);
            let taken = end.unwrap_or(buffer.len());
            line.extend_from_slice(buffer.get(..taken).unwrap_or_default());
            self.read.consume(taken);
            self.consumed += taken;
            if end.is_some() {
                return Ok(line);
            }
        }
    }

    /// The fault that comes now; a text when the connection is to end.
    async fn after_handshake(&mut self) -> Option<&'static str> {
        match self.fault.clone()? {
            DebuggingFault::ResetAfterHandshake => {
                // What comes then is not read either.
                let _ = self.read.read(&mut []).await;
                Some(reset(self.write.as_ref()))
            }
            DebuggingFault::Says { bytes, dribbling, hang_up } => {
                if dribbling {
                    for byte in &bytes {
                        let _ = self.write.write_all(&[*byte]).await;
                        sleep_until(Instant::now() + Duration::from_millis(2)).await;
                    }
                } else {
                    let _ = self.write.write_all(&bytes).await;
                }
                hang_up.then_some("hung up")
            }
            _ => None,
        }
    }
}

/// The connection ends with a reset as soon as it is dropped.
fn reset(stream: &TcpStream) -> &'static str {
    match stream.set_zero_linger() {
        Ok(()) => "reset",
        Err(_) => "closed",
    }
}
