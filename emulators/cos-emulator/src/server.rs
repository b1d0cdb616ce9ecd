//! Starting and stopping.

use std::{
    convert::Infallible,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::observers::{Observer, Observers};
use crate::{
    error::Error,
    faults::Faults,
    header_case::HeaderCase,
    object::ObjectOptions,
    request_id::RequestIds,
    request_log::{LoggedRequest, RequestLog},
    service::{self, Service},
    store::Store,
};

/// How long [`CosEmulator::stop`] waits for answers under way.
const GRACE: Duration = Duration::from_secs(1);
/// How long a client may take for the head of a request.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);
/// Further connections wait until one ends.
const MAX_CONNECTIONS: usize = 4096;
/// Bytes of a request's head.
const MAX_HEAD: usize = 64 * 1024;

/// What an emulator is to be; see [`CosEmulator::builder`].
#[derive(Default)]
#[must_use]
pub struct Builder {
    root: Option<PathBuf>,
    credentials: Vec<(String, SecretString)>,
    session_token: Option<SecretString>,
    port: u16,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("root", &self.root).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Builder {
    /// Each folder below `path` is a bucket: `name-appid` in `ap-guangzhou`,
    /// `name-appid@region` elsewhere. Without a root there are only the
    /// buckets of [`CosEmulator::create_bucket`].
    pub fn root(mut self, path: impl Into<PathBuf>) -> Self {
        self.root = Some(path.into());
        self
    }

    /// A SecretId and SecretKey that may sign; more calls add more. Without
    /// any, a pair is made up.
    pub fn credentials(mut self, secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.credentials.push((secret_id.into(), SecretString::from(secret_key.into())));
        self
    }

    /// Makes the keys temporary ones: requests have to carry this token in
    /// `x-cos-security-token`.
    pub fn session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(SecretString::from(token.into()));
        self
    }

    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts answering, on threads of its own: a test may block its thread
    /// while a client that it started talks to the emulator.
    ///
    /// # Errors
    /// When the folder cannot be read or the port not be had.
    pub async fn start(mut self) -> Result<CosEmulator, Error> {
        if self.credentials.is_empty() {
            let random = || Uuid::new_v4().simple().to_string();
            self = self.credentials(format!("AKID{}", random()), random());
        }
        let store = Arc::new(Store::new(self.root.as_deref())?);
        let port = self.port;
        let listen = |source| Error::Listen { port, source };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let service = Arc::new(Service {
            store,
            credentials: self.credentials,
            session_token: self.session_token,
            faults: Faults::default(),
            log: RequestLog::default(),
            ids: RequestIds::default(),
            header_case: HeaderCase::of_cos().await.map_err(Error::SetUp)?,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("cos-emulator")
            .enable_all()
            .build()
            .map_err(Error::SetUp)?;
        let (stop, stopped) = oneshot::channel();
        let observers = Observers::default();
        let serving = runtime.spawn(serve(listener, observers.clone(), Arc::clone(&service), stopped));
        Ok(CosEmulator { address, observers, service, running: Some(Running { runtime, stop, serving }) })
    }
}

/// Accepts connections until `stopped`, then waits for them to end.
async fn serve(
    listener: std::net::TcpListener,
    observers: Observers,
    service: Arc<Service>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the emulator cannot listen");
            return;
        }
    };
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            next = next => match next {
                (Ok(place), Ok((stream, _))) => (place, stream),
                (_, result) => {
                    // Out of file descriptors, most likely: not for ever.
                    tracing::warn!(?result, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            _ = &mut stopped => break,
        };
        // Small answers are not to wait for more to send.
        let _ = stream.set_nodelay(true);
        let service = Arc::clone(&service);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_DEADLINE)
            .max_buf_size(MAX_HEAD)
            .serve_connection(
                TokioIo::new(observers.observed(stream)),
                service_fn(move |request| {
                    let service = Arc::clone(&service);
                    async move { Ok::<_, Infallible>(service::answer(service, request).await) }
                }),
            );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

struct Running {
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// A COS server on 127.0.0.1 that runs until it is stopped or dropped.
pub struct CosEmulator {
    address: SocketAddr,
    observers: Observers,
    service: Arc<Service>,
    running: Option<Running>,
}

impl fmt::Debug for CosEmulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CosEmulator").field("address", &self.address).finish_non_exhaustive()
    }
}

impl CosEmulator {
    /// Begins with no folder, no keys and any free port.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://127.0.0.1:PORT/{bucket}`: a template whose `{bucket}` is to be
    /// replaced with a bucket's name, for path-style addresses.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("{}/{{bucket}}", self.url())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first SecretId.
    #[must_use]
    pub fn secret_id(&self) -> &str {
        self.service.credentials.first().map_or("", |(id, _)| id.as_str())
    }

    /// The SecretKey to [`secret_id`](Self::secret_id).
    #[must_use]
    pub fn secret_key(&self) -> &str {
        self.service.credentials.first().map_or("", |(_, key)| key.expose_secret())
    }

    /// Shows every byte that clients send to observers, one for each connection from now on.
    pub fn observe_requests(&self, make: impl Fn() -> Observer + Send + Sync + 'static) {
        self.observers.set(make);
    }

    /// A handle to make things go wrong.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.service.faults.clone()
    }

    /// The requests answered until now, oldest first, at most the last 10,000.
    #[must_use]
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.service.log.snapshot()
    }

    /// Adds an empty bucket, in memory.
    ///
    /// # Errors
    /// When the name is not one of a bucket or is taken.
    pub fn create_bucket(&self, name: &str, region: &str) -> Result<(), Error> {
        self.service.store.create_bucket(name, region, None)
    }

    /// Adds an empty bucket that belongs to the account of `secret_id`: others
    /// are denied access and do not see it in their list. The buckets of
    /// [`create_bucket`](Self::create_bucket) belong to every account.
    ///
    /// # Errors
    /// As [`create_bucket`](Self::create_bucket).
    pub fn create_bucket_of(&self, secret_id: &str, name: &str, region: &str) -> Result<(), Error> {
        self.service.store.create_bucket(name, region, Some(secret_id))
    }

    /// Removes a bucket that was made with [`create_bucket`](Self::create_bucket), and all that is in it.
    ///
    /// # Errors
    /// When there is none of this name in memory.
    pub fn remove_bucket(&self, name: &str) -> Result<(), Error> {
        self.service.store.remove_bucket(name)
    }

    /// Puts an object, in memory: it lies over a file of the same key.
    ///
    /// # Errors
    /// When there is no such bucket or the key has not 1 to 850 bytes.
    pub fn put_object(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.put_object_with(bucket, key, bytes, ObjectOptions::default())
    }

    /// The same with a say in its headers.
    ///
    /// # Errors
    /// As [`put_object`](Self::put_object), and when an option cannot be a header.
    pub fn put_object_with(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<Bytes>,
        options: ObjectOptions,
    ) -> Result<(), Error> {
        self.service.store.put_bytes(bucket, key, bytes.into(), options)
    }

    /// Puts an object of `length` bytes that takes no memory: see
    /// [`generated_bytes`](crate::generated_bytes).
    ///
    /// # Errors
    /// As [`put_object`](Self::put_object).
    pub fn put_generated_object(&self, bucket: &str, key: &str, length: u64, seed: u64) -> Result<(), Error> {
        self.put_generated_object_with(bucket, key, length, seed, ObjectOptions::default())
    }

    /// The same with a say in its headers. The first request for an object
    /// with a CRC goes through all its bytes once.
    ///
    /// # Errors
    /// As [`put_object_with`](Self::put_object_with).
    pub fn put_generated_object_with(
        &self,
        bucket: &str,
        key: &str,
        length: u64,
        seed: u64,
        options: ObjectOptions,
    ) -> Result<(), Error> {
        self.service.store.put_generated(bucket, key, length, seed, options)
    }

    /// Sets the headers of an object that is a file of the folder.
    ///
    /// # Errors
    /// As [`put_object_with`](Self::put_object_with).
    pub fn describe_object(&self, bucket: &str, key: &str, options: ObjectOptions) -> Result<(), Error> {
        self.service.store.describe(bucket, key, options)
    }

    /// Lets answers under way finish for a second, then ends them.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.stop.send(());
            let _ = tokio::time::timeout(GRACE, running.serving).await;
            running.runtime.shutdown_background();
        }
    }
}

impl Drop for CosEmulator {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}
