//! A plugin at work, driven over its pipes with as little as possible in between.

use std::fs::File;
use std::io::Write;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Failure;
use crate::lines::{Kind, Line, Said};
use crate::output::Output;
use crate::request;

/// After so long a process is killed, and what waits for it fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A plugin's process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Arc<Mutex<Child>>,
    input: Option<ChildStdin>,
    output: Output<ChildStdout>,
    pid: u32,
    /// From the start to the first heartbeat.
    pub(crate) started_in: Duration,
    ends_with_its_input: bool,
    _watchdog: mpsc::Sender<()>,
    /// Where uploads go, for plugins that ask.
    upload_url: Option<String>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Pieces.
    pub(crate) streams: u64,
    /// Bytes of files in them, before base64.
    pub(crate) file_bytes: u64,
    /// Files that went to the upload URL.
    pub(crate) uploads: u64,
}

impl Running {
    /// Starts a plugin and waits for its first heartbeat. Its log goes to `log`.
    pub(crate) fn start(mut command: Command, log: File) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let from = Instant::now();
        let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take().ok_or("no standard output")?);
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        let watchdog = watch(Arc::clone(&child))?;
        let output = Output::new(output);
        let mut running = Self {
            child,
            input,
            output,
            pid,
            started_in: Duration::ZERO,
            ends_with_its_input: true,
            _watchdog: watchdog,
            upload_url: None,
        };
        while running.line()?.kind() != Some(Kind::Heartbeat) {}
        running.started_in = from.elapsed();
        Ok(running)
    }

    /// Gives this address to calls that want to upload.
    pub(crate) fn uploads_to(mut self, url: String) -> Self {
        self.upload_url = Some(url);
        self
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Writes lines.
    pub(crate) fn send(&mut self, lines: &[u8]) -> Result<(), Failure> {
        Ok(self.input.as_mut().ok_or("its standard input is closed")?.write_all(lines)?)
    }

    /// The next line; waits for it.
    pub(crate) fn line(&mut self) -> Result<Line<'_>, Failure> {
        Ok(self.output.line()?)
    }

    /// Whether a line is there to be had without waiting.
    pub(crate) fn has_line(&self) -> bool {
        self.output.has_line()
    }

    /// Makes one call and waits for its end.
    pub(crate) fn call(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.call_with(request, |_| ())
    }

    /// As [`call`](Self::call), and shows every piece of the answer.
    pub(crate) fn call_with(&mut self, request: &[u8], mut each: impl FnMut(&Line<'_>)) -> Result<Answer, Failure> {
        self.send(request)?;
        let mut answer = Answer::default();
        loop {
            let line = self.output.line()?;
            match line.kind().ok_or_else(|| not_protocol(&line))? {
                Kind::Heartbeat | Kind::Other => {}
                Kind::Session(_, Said::Stream) => {
                    answer.streams += 1;
                    answer.file_bytes += line.file_bytes();
                    each(&line);
                }
                Kind::Session(_, Said::End) => return Ok(answer),
                Kind::Session(_, Said::Error) => return Err(failed_call(&line)),
                Kind::Session(_, Said::Invoke) => {
                    answer.uploads += 1;
                    let reply = answer_upload(&line, self.upload_url.as_deref())?;
                    self.send(&reply)?;
                }
            }
        }
    }

    /// For plugins that the end of their standard input does not end, as those of the official SDK.
    pub(crate) fn killed_at_the_end(mut self) -> Self {
        self.ends_with_its_input = false;
        self
    }

    /// Closes its standard input and waits until it has ended.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        if !self.ends_with_its_input {
            return Ok(());
        }
        self.input = None;
        while self.output.line().is_ok() {}
        let status = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        if status.success() { Ok(()) } else { Err(format!("the plugin ended with {status}").into()) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Reads that wait for a plugin have no limit of their own, which would cost a system call each.
fn watch(child: Arc<Mutex<Child>>) -> Result<mpsc::Sender<()>, Failure> {
    let (sender, stopped) = mpsc::channel();
    thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        if stopped.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("a plugin was still at work after {PATIENCE:?}: killed");
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
    })?;
    Ok(sender)
}

pub(crate) fn not_protocol(line: &Line<'_>) -> Failure {
    let beginning = line.head.get(..200).unwrap_or(line.head);
    format!("the plugin wrote something else than its protocol: {}", String::from_utf8_lossy(beginning)).into()
}

pub(crate) fn failed_call(line: &Line<'_>) -> Failure {
    let value: Value = serde_json::from_slice(line.head).unwrap_or_default();
    format!("a call failed: {}", value["data"]["data"]["message"]).into()
}

fn answer_upload(line: &Line<'_>, url: Option<&str>) -> Result<Vec<u8>, Failure> {
    let line: Value = serde_json::from_slice(line.head)?;
    let invocation = &line["data"]["data"];
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a call back lacks a field");
    let (session, request) = (text(&line["session_id"])?, text(&invocation["backwards_request_id"])?);
    match (invocation["type"].as_str(), url) {
        (Some("upload_file"), Some(url)) => Ok(request::answer(&session, &request, &json!({"url": url}))),
        (kind, _) => Err(format!("the plugin called back for {kind:?}").into()),
    }
}
