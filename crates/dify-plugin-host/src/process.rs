//! A plugin's process, started and watched as the daemon does
//! (dify-plugin-daemon, `internal/core/local_runtime/{subprocess,instance}.go`).

mod connection;
mod heartbeats;
pub(crate) mod memory;
mod reader;
mod stderr;
mod supervisor;
mod writer;

pub use heartbeats::Heartbeats;
pub(crate) use reader::decode_chunk;

use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use dify_plugin_protocol::{
    BrowseFiles, BrowseFilesResponse, DownloadFile, FetchParameterOptions, InvokeTool, LogEvent, ParameterOptions,
    ValidateCredentials,
};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::answer::Answer;
use crate::call::Call;
use crate::decode::ActionResult;
use crate::failure::{CallFailure, Ended, StartError};
use crate::host::DifyHost;
use crate::received_file::ReceivedFile;
use crate::request::CallRequest;
use crate::session::{Session, Sessions};
use crate::violation::{Violation, Violations};

use heartbeats::HeartbeatRecord;
use stderr::StderrTail;
use supervisor::Order;
use writer::Outgoing;

/// What Dify shows of a plugin's standard error.
const SHOWN_STDERR: usize = 1024;
/// Lines that may wait for the plugin to read them.
const WAITING_LINES: usize = 256;
/// Log events that are remembered.
const REMEMBERED_LOGS: usize = 256;

/// A running plugin. Cheap to clone; when the last clone and the last [`Call`] are gone, the process is stopped.
///
/// One that came to a [`DebuggingServer`](crate::DebuggingServer) was started by somebody else: only its connection is
/// ended then, and nothing is known of its process id, its memory and its standard error.
#[derive(Clone, Debug)]
pub struct PluginProcess(Arc<Handle>);

/// Stops the process when dropped.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Order>,
    input: mpsc::Sender<Outgoing>,
}

/// What the tasks of one process share.
#[derive(Debug)]
struct Shared {
    host: DifyHost,
    pid: u32,
    sessions: Sessions,
    heartbeats: HeartbeatRecord,
    violations: Mutex<Violations>,
    logs: Mutex<Vec<LogEvent>>,
    stderr: StderrTail,
    /// Whether standard output is read.
    reading: watch::Sender<bool>,
    /// How the process ended, once all of its output is read.
    exit: watch::Sender<Option<Ended>>,
    ended: OnceLock<Ended>,
    /// Known as soon as the process is gone, while its last lines may still be read.
    status: OnceLock<ExitStatus>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
    }
}

impl PluginProcess {
    /// Starts a plugin: with `INSTALL_METHOD=local` and three pipes. Waits for its first heartbeat.
    ///
    /// # Errors
    /// [`StartError`] when it cannot be started, ends first, or is silent for too long.
    pub async fn start(mut command: Command, dify: &DifyHost) -> Result<Self, StartError> {
        command.env("INSTALL_METHOD", "local");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let refused = |source| StartError::Spawn { program: program.clone(), source };
        let heartbeats = HeartbeatRecord::new();
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().map_err(refused)?;
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let (Some(((stdin, stdout), stderr)), Some(pid)) = (pipes, child.id()) else {
            return Err(refused(std::io::Error::other("the process has no pipes")));
        };

        let shared = Arc::new(Shared::new(dify.clone(), pid, heartbeats));
        let (input, lines) = mpsc::channel(WAITING_LINES);
        let (orders, received_orders) = mpsc::unbounded_channel();
        let writer = tokio::spawn(writer::write(stdin, lines));
        let (stdout, stderr) = (dify.stdout_observers().observed(stdout), dify.stderr_observers().observed(stderr));
        let stderr = tokio::spawn(stderr::read(stderr, Arc::clone(&shared)));
        let (exited, exit_seen) = watch::channel(false);
        let reader = tokio::spawn(reader::read(stdout, Arc::clone(&shared), input.clone(), exit_seen));
        tokio::spawn(
            supervisor::Supervisor { child, reader, writer, stderr, exited, shared: Arc::clone(&shared) }
                .run(received_orders),
        );

        let plugin = Self(Arc::new(Handle { shared, orders, input }));
        plugin.wait_ready().await?;
        Ok(plugin)
    }

    async fn wait_ready(&self) -> Result<(), StartError> {
        let shared = &self.0.shared;
        let mut exit = shared.exit.subscribe();
        let limit = shared.host.first_heartbeat();
        tokio::select! {
            biased;
            () = shared.heartbeats.first() => Ok(()),
            ended = exit.wait_for(Option::is_some) => {
                let reason = ended.ok().and_then(|ended| ended.clone()).unwrap_or(Ended::Stopped);
                Err(StartError::Ended { reason, stderr: self.shown_stderr() })
            }
            () = tokio::time::sleep(limit) => Err(StartError::NoHeartbeat { limit, stderr: self.shown_stderr() }),
        }
    }

    /// Makes a call and collects all of its answer.
    ///
    /// # Errors
    /// [`CallFailure`]: the plugin's own error, or what would have gone wrong in Dify.
    pub async fn call(&self, request: impl Into<CallRequest> + Send) -> Result<Answer, CallFailure> {
        self.start_call(request).await?.answer().await
    }

    /// Makes a call whose answer is read bit by bit.
    ///
    /// # Errors
    /// [`CallFailure::InputClosed`] or [`CallFailure::ProcessEnded`] when there is no process to ask.
    pub async fn start_call(&self, request: impl Into<CallRequest> + Send) -> Result<Call, CallFailure> {
        let request = request.into();
        let session_id = Uuid::new_v4().to_string();
        let line = request.line(&session_id);
        let call = self.open(session_id, request)?;
        self.write(line).await?;
        Ok(call)
    }

    /// Listens for the answer to a request that is written with [`send_raw_line`](Self::send_raw_line). The data of
    /// `request` is not sent.
    ///
    /// # Errors
    /// [`CallFailure::ProcessEnded`] when there is no process any more.
    pub fn listen(&self, session_id: &str, request: impl Into<CallRequest>) -> Result<Call, CallFailure> {
        self.open(session_id.to_owned(), request.into())
    }

    fn open(&self, session_id: String, request: CallRequest) -> Result<Call, CallFailure> {
        let (events, received) = mpsc::channel(request.action.buffer());
        let failure = Arc::new(OnceLock::new());
        let session = Session {
            action: request.action.clone(),
            user_id: request.user_id().to_owned(),
            origin: request.origin,
            events,
            failure: Arc::clone(&failure),
        };
        if !self.0.shared.sessions.open(session_id.clone(), session) {
            return Err(self.ended_failure());
        }
        Ok(Call::new(self.clone(), session_id, request.action, request.sink, received, failure))
    }

    async fn write(&self, line: Vec<u8>) -> Result<(), CallFailure> {
        self.0.input.send(Outgoing::Line(line)).await.map_err(|_| match self.0.shared.ended.get() {
            Some(_) => self.ended_failure(),
            None => CallFailure::InputClosed,
        })
    }

    /// Writes a line as it is; a newline is added where there is none.
    ///
    /// # Errors
    /// [`CallFailure::InputClosed`] or [`CallFailure::ProcessEnded`].
    pub async fn send_raw_line(&self, line: impl AsRef<[u8]> + Send) -> Result<(), CallFailure> {
        let mut line = line.as_ref().to_vec();
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        self.write(line).await
    }

    /// Invokes a tool.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn invoke_tool(&self, fields: InvokeTool) -> Result<Answer, CallFailure> {
        self.call(fields).await
    }

    /// Checks credentials of a tool provider.
    ///
    /// # Errors
    /// [`CallFailure`]; [`CallFailure::Plugin`] when they are refused.
    pub async fn validate_tool_credentials(&self, fields: &ValidateCredentials) -> Result<(), CallFailure> {
        self.call(CallRequest::validate_tool_credentials(fields)).await.map(drop)
    }

    /// Checks credentials of a datasource provider.
    ///
    /// # Errors
    /// [`CallFailure`]; [`CallFailure::Plugin`] when they are refused.
    pub async fn validate_datasource_credentials(&self, fields: &ValidateCredentials) -> Result<(), CallFailure> {
        self.call(CallRequest::validate_datasource_credentials(fields)).await.map(drop)
    }

    /// Asks for the choices of a dynamic select.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn fetch_parameter_options(
        &self,
        fields: FetchParameterOptions,
    ) -> Result<ParameterOptions, CallFailure> {
        match self.call(fields).await?.results.pop() {
            Some(ActionResult::Options(options)) => Ok(options),
            _ => Err(CallFailure::NoResult),
        }
    }

    /// Lists a page of a drive.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn browse_files(&self, fields: BrowseFiles) -> Result<BrowseFilesResponse, CallFailure> {
        match self.call(fields).await?.results.pop() {
            Some(ActionResult::Browse(page)) => Ok(page),
            _ => Err(CallFailure::NoResult),
        }
    }

    /// Downloads a file of a drive.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn download_file(&self, fields: DownloadFile) -> Result<ReceivedFile, CallFailure> {
        self.call(fields).await?.files.pop().ok_or(CallFailure::NoFile)
    }

    /// Stops reading standard output, as the daemon does where a client of Dify is slow: all calls wait, heartbeats are
    /// not seen, and the plugin finds its pipe full.
    pub fn pause_reading(&self) {
        self.0.shared.reading.send_replace(false);
    }

    /// Reads on.
    pub fn resume_reading(&self) {
        self.0.shared.reading.send_replace(true);
    }

    /// Closes standard input once what was sent is written, as slim does right after its request.
    ///
    /// # Errors
    /// [`CallFailure::InputClosed`] or [`CallFailure::ProcessEnded`] when it is closed already.
    pub async fn close_stdin(&self) -> Result<(), CallFailure> {
        self.0.input.send(Outgoing::Close).await.map_err(|_| CallFailure::InputClosed)
    }

    /// Kills the process. What it wrote before is still read.
    pub fn kill(&self) {
        let _ = self.0.orders.send(Order::Kill);
    }

    /// Stops the process as the daemon does, by closing its pipes and killing it, and waits for its end.
    pub async fn stop(&self) {
        let _ = self.0.orders.send(Order::Stop);
        let _ = self.0.shared.exit.subscribe().wait_for(Option::is_some).await;
    }

    /// Waits until the process has ended and what it wrote is read. When that takes longer than `limit`, as it does
    /// while nobody reads a call, its status all the same, and none when it still runs.
    pub async fn wait_exit(&self, limit: Duration) -> Option<ExitStatus> {
        let mut exit = self.0.shared.exit.subscribe();
        let _ = tokio::time::timeout(limit, exit.wait_for(Option::is_some)).await;
        self.0.shared.status.get().copied()
    }

    /// How the process ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.0.shared.ended.get().cloned()
    }

    /// The process id; 0 where it is not known.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.shared.pid
    }

    /// Bytes of memory that the process holds now. None when it is gone, and on systems other than Linux.
    #[must_use]
    pub fn rss_bytes(&self) -> Option<u64> {
        memory::status_bytes(self.pid(), "VmRSS")
    }

    /// Most bytes of memory that the process ever held. None as for [`rss_bytes`](Self::rss_bytes).
    #[must_use]
    pub fn peak_rss_bytes(&self) -> Option<u64> {
        memory::status_bytes(self.pid(), "VmHWM")
    }

    /// When heartbeats came.
    #[must_use]
    pub fn heartbeats(&self) -> Heartbeats {
        self.0.shared.heartbeats.get()
    }

    /// What the process wrote that belongs to no open call, the first 256 of it. Empty for a plugin that does right.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.0.shared.violations.lock().unwrap_or_else(PoisonError::into_inner).list()
    }

    /// The first 256 `log` events. Dify's daemon writes them to its own log.
    #[must_use]
    pub fn logs(&self) -> Vec<LogEvent> {
        self.0.shared.logs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last 64 KiB of standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.0.shared.stderr.last(usize::MAX)
    }

    fn shown_stderr(&self) -> String {
        self.0.shared.stderr.last(SHOWN_STDERR)
    }

    pub(crate) fn ended_failure(&self) -> CallFailure {
        let reason = self.ended().unwrap_or(Ended::Stopped);
        if reason == Ended::Disconnected {
            return CallFailure::Disconnected;
        }
        CallFailure::ProcessEnded { reason, stderr: self.shown_stderr() }
    }

    pub(crate) fn host(&self) -> &DifyHost {
        &self.0.shared.host
    }

    pub(crate) fn abandon(&self, session_id: &str) {
        self.0.shared.sessions.abandon(session_id);
    }
}

impl Shared {
    fn new(host: DifyHost, pid: u32, heartbeats: HeartbeatRecord) -> Self {
        Self {
            host,
            pid,
            sessions: Sessions::default(),
            heartbeats,
            violations: Mutex::default(),
            logs: Mutex::default(),
            stderr: StderrTail::default(),
            reading: watch::Sender::new(true),
            exit: watch::Sender::new(None),
            ended: OnceLock::new(),
            status: OnceLock::new(),
        }
    }

    fn violation(&self, violation: Violation) {
        tracing::debug!(pid = self.pid, %violation, "plugin");
        let fails = matches!(violation, Violation::NotProtocol { .. } | Violation::ErrorEvent { .. });
        if fails && self.host.is_strict() {
            self.sessions.fail_all(&CallFailure::Noise(violation.clone()));
        }
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).add(violation);
    }

    fn log(&self, event: LogEvent) {
        tracing::debug!(pid = self.pid, level = event.level, message = event.message, "plugin");
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.len() < REMEMBERED_LOGS {
            logs.push(event);
        }
    }
}
