//! A call that runs.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dify_plugin_protocol::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::action::Action;
use crate::answer::Answer;
use crate::assembly::Assembly;
use crate::decode::ActionResult;
use crate::failure::CallFailure;
use crate::process::PluginProcess;
use crate::received_file::ReceivedFile;
use crate::request::FileSink;
use crate::session::SessionEvent;

/// Something that came for a call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallEvent {
    /// A message without bytes of a file.
    Message(Message),
    /// A file is on its way. Not told of every chunk.
    Progress {
        /// The file within the call.
        file: String,
        /// Bytes so far.
        received: u64,
        /// Bytes of the whole file.
        total: u64,
    },
    /// A file is complete.
    File(ReceivedFile),
    /// The result of an action that answers with one.
    Result(ActionResult),
    /// The plugin called back, and was answered.
    CalledBack(String),
}

/// A call whose answer is read bit by bit. While nobody reads it, the plugin's output is not read either once a
/// buffer is full, as in the daemon. Dropping it leaves the plugin at work and ignores what comes.
#[derive(Debug)]
pub struct Call {
    plugin: PluginProcess,
    session_id: String,
    received: mpsc::Receiver<SessionEvent>,
    failure: Arc<OnceLock<CallFailure>>,
    started: Instant,
    assembly: Assembly,
    ready: VecDeque<CallEvent>,
    over: bool,
}

impl Call {
    pub(crate) fn new(
        plugin: PluginProcess,
        session_id: String,
        action: Action,
        sink: Option<FileSink>,
        received: mpsc::Receiver<SessionEvent>,
        failure: Arc<OnceLock<CallFailure>>,
    ) -> Self {
        let assembly = Assembly::new(action, plugin.host().clone(), sink);
        let started = Instant::now();
        Self { plugin, session_id, received, failure, started, assembly, ready: VecDeque::new(), over: false }
    }

    /// The id that the lines of this call carry.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// What came next. None after the end; a failure is the last thing too. Can be cancelled without loss.
    pub async fn next(&mut self) -> Option<Result<CallEvent, CallFailure>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.over {
                return None;
            }
            match self.receive().await {
                Ok(Some(event)) => match self.assembly.take(event) {
                    Ok(events) => self.ready.extend(events),
                    Err(failure) => return Some(Err(self.fail(failure))),
                },
                Ok(None) => {
                    let linger = self.plugin.host().linger();
                    let outcome = self.finish(linger).await;
                    self.over = true;
                    return outcome.err().map(Err);
                }
                Err(failure) => return Some(Err(self.fail(failure))),
            }
        }
    }

    /// The next event, or none for the end.
    async fn receive(&mut self) -> Result<Option<SessionEvent>, CallFailure> {
        let limit = self.plugin.host().call_limit();
        match timeout(limit.saturating_sub(self.started.elapsed()), self.received.recv()).await {
            Err(_) => Err(CallFailure::TimeLimit { limit }),
            Ok(Some(SessionEvent::End)) => Ok(None),
            Ok(Some(event)) => Ok(Some(event)),
            Ok(None) => Err(self.failure.get().cloned().unwrap_or_else(|| self.plugin.ended_failure())),
        }
    }

    async fn finish(&mut self, linger: Duration) -> Result<(), CallFailure> {
        self.assembly.finish()?;
        if !linger.is_zero() {
            tokio::time::sleep(linger).await;
        }
        self.failure.get().cloned().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: CallFailure) -> CallFailure {
        self.over = true;
        self.plugin.abandon(&self.session_id);
        failure
    }

    /// Waits for the end, and collects what comes.
    ///
    /// # Errors
    /// [`CallFailure`]. What came before is lost with it; read bit by bit to keep it.
    pub async fn answer(self) -> Result<Answer, CallFailure> {
        self.answer_with(|_| {}).await
    }

    /// Waits for the end, collects what comes, and shows each event first, as for a display of the progress.
    ///
    /// # Errors
    /// [`CallFailure`].
    pub async fn answer_with(mut self, mut show: impl FnMut(&CallEvent) + Send) -> Result<Answer, CallFailure> {
        let mut answer = Answer::default();
        while let Some(event) = self.next().await {
            let event = event?;
            show(&event);
            match event {
                CallEvent::Message(message) => answer.messages.push(message),
                CallEvent::File(file) => answer.files.push(file),
                CallEvent::Result(result) => answer.results.push(result),
                CallEvent::CalledBack(kind) => answer.called_back.push(kind),
                CallEvent::Progress { .. } => {}
            }
        }
        Ok(answer)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.plugin.abandon(&self.session_id);
    }
}
