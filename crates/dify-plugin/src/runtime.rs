//! Lines of a connection that many calls share: from a line to a task.

use std::sync::Arc;

use dify_plugin_protocol::limits::CALLS_IN_FLIGHT;
use dify_plugin_protocol::{BackwardsResponse, DaemonEvent, DaemonLine, PluginLine};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Plugin;
use crate::answering::Answering;
use crate::backwards::PendingInvocations;
use crate::outbox::Outbox;
use crate::session::{CallContext, Shared};
use crate::way::Way;

/// What a transport hands over.
#[derive(Debug)]
pub(crate) enum Input {
    /// A line without its newline.
    Line(Vec<u8>),
    /// A line of more bytes than are read; they are gone.
    TooLong,
}

/// Serves calls until the input ends, and then until the last of them is answered. Dropped before, it drops the `calls`
/// at work.
pub(crate) async fn serve(
    plugin: Arc<Plugin>,
    mut input: mpsc::Receiver<Input>,
    outbox: Outbox,
    shared: Arc<Shared>,
    calls: &TaskTracker,
) {
    let runtime = Arc::new(Runtime::new(plugin, outbox, shared, calls.clone()));
    let _abandon = runtime.abandoned.clone().drop_guard();
    while let Some(input) = input.recv().await {
        if let Err(complaint) = runtime.take(input) {
            runtime.complain(&complaint).await;
        }
    }
    runtime.finish().await;
}

/// What the lines of one connection come to.
pub(crate) struct Runtime {
    answering: Answering,
    outbox: Outbox,
    pending: Arc<PendingInvocations>,
    places: Semaphore,
    calls: TaskTracker,
    abandoned: CancellationToken,
}

impl Runtime {
    pub(crate) fn new(plugin: Arc<Plugin>, outbox: Outbox, shared: Arc<Shared>, calls: TaskTracker) -> Self {
        let places = Semaphore::new(CALLS_IN_FLIGHT);
        let (pending, abandoned) = (Arc::default(), CancellationToken::new());
        Self { answering: Answering::new(plugin, shared), outbox, pending, places, calls, abandoned }
    }

    /// Starts the call that a line asks for, or hands an answer of Dify's to the call that waits for it. Needs a tokio
    /// runtime, and waits for nothing. `Err`: what there is to complain about.
    pub(crate) fn take(self: &Arc<Self>, input: Input) -> Result<(), String> {
        match input {
            Input::Line(line) if line.trim_ascii().is_empty() => Ok(()),
            Input::Line(line) => self.take_line(&line),
            Input::TooLong => Err("a line is too long".to_owned()),
        }
    }

    fn take_line(self: &Arc<Self>, line: &[u8]) -> Result<(), String> {
        let mut line: DaemonLine =
            serde_json::from_slice(line).map_err(|error| format!("not a line of Dify's protocol: {error}"))?;
        let data = line.data.take();
        match line.event {
            DaemonEvent::Request => {
                let runtime = Arc::clone(self);
                let data = data.map_or_else(|| "null".to_owned(), |data| data.get().to_owned());
                let abandoned = self.abandoned.clone();
                let call = async move { runtime.call(CallContext::of(line), data).await };
                self.calls.spawn(abandoned.run_until_cancelled_owned(call));
            }
            DaemonEvent::BackwardsResponse => {
                let response: BackwardsResponse = serde_json::from_str(data.as_ref().map_or("null", |data| data.get()))
                    .map_err(|error| format!("not an answer to a call back: {error}"))?;
                self.pending.answer(response);
            }
        }
        Ok(())
    }

    /// After the last line: waits until all is answered.
    pub(crate) async fn finish(&self) {
        // Those who wait for Dify would wait in vain; all others finish.
        self.pending.disconnect();
        self.calls.close();
        self.calls.wait().await;
    }

    /// Drops the calls at work, and says whether there were any. A call that is taken from here on is dropped too.
    pub(crate) fn abandon(&self) -> bool {
        // First, so that no call that another thread takes meanwhile begins without being asked for below.
        self.places.close();
        // Asked before they are dropped, which they are in no time.
        let were_at_work = !self.calls.is_empty();
        self.abandoned.cancel();
        were_at_work
    }

    /// Whether what is taken is dropped.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.places.is_closed()
    }

    /// Tells the daemon's log of a line that belongs to no call.
    pub(crate) async fn complain(&self, about: &str) {
        let error: PluginLine = PluginLine::Error { session_id: None, data: json!({"error": about}) };
        let mut line = serde_json::to_vec(&error).unwrap_or_default();
        line.push(b'\n');
        // When Dify is gone the process ends anyway.
        let _ = self.outbox.send(line).await;
    }

    async fn call(&self, context: CallContext, data: String) {
        let Ok(_place) = self.places.acquire().await else { return };
        let way = Way::Lines { outbox: self.outbox.clone(), pending: Arc::clone(&self.pending) };
        self.answering.call(context, data, way).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output {
        fn has(&self, text: &str) -> bool {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().contains(text)
        }
    }

    fn request(session: &str) -> Input {
        Input::Line(json!({"session_id": session, "event": "request", "data": {}}).to_string().into_bytes())
    }

    #[tokio::test]
    async fn a_call_that_is_taken_after_a_stop_does_not_begin() {
        let output = Output::default();
        let (outbox, writer) = Outbox::start(output.clone(), Duration::from_secs(3600)).unwrap();
        let plugin = Arc::new(Plugin::new("test", "1.0.0"));
        let runtime = Arc::new(Runtime::new(plugin, outbox, Arc::new(Shared::new(1)), TaskTracker::new()));
        runtime.take(request("before")).unwrap();
        runtime.finish().await;
        assert!(!runtime.is_abandoned());
        assert!(!runtime.abandon(), "nothing was at work");
        runtime.take(request("after")).unwrap();
        runtime.finish().await;
        assert!(runtime.is_abandoned());
        drop(runtime);
        writer.join().unwrap().unwrap();
        assert!(output.has("before") && !output.has("after"));
    }

    #[tokio::test]
    async fn a_call_that_is_at_work_is_dropped_at_a_stop() {
        let (outbox, writer) = Outbox::start(io::sink(), Duration::from_secs(3600)).unwrap();
        let plugin = Arc::new(Plugin::new("test", "1.0.0"));
        let runtime = Arc::new(Runtime::new(plugin, outbox, Arc::new(Shared::new(1)), TaskTracker::new()));
        // Taken, and on this one thread not begun.
        runtime.take(request("a")).unwrap();
        assert!(runtime.abandon());
        runtime.finish().await;
        drop(runtime);
        writer.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_is_no_line_of_the_protocol_is_complained_about() {
        let (outbox, _) = Outbox::start(io::sink(), Duration::from_secs(3600)).unwrap();
        let plugin = Arc::new(Plugin::new("test", "1.0.0"));
        let runtime = Arc::new(Runtime::new(plugin, outbox, Arc::new(Shared::new(1)), TaskTracker::new()));
        for blank in ["", " \r"] {
            assert_eq!(runtime.take(Input::Line(blank.into())), Ok(()));
        }
        assert_eq!(runtime.take(Input::TooLong), Err("a line is too long".to_owned()));
        let refused = runtime.take(Input::Line(b"text".to_vec())).unwrap_err();
        assert!(refused.starts_with("not a line of Dify's protocol: "), "{refused}");
    }
}
