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
    let abandoned = CancellationToken::new();
    let _abandon = abandoned.clone().drop_guard();
    let places = Semaphore::new(CALLS_IN_FLIGHT);
    let pending = Arc::new(PendingInvocations::default());
    let runtime = Arc::new(Runtime { answering: Answering::new(plugin, shared), outbox, pending, places, abandoned });
    while let Some(input) = input.recv().await {
        match input {
            Input::Line(line) if line.trim_ascii().is_empty() => {}
            Input::Line(line) => runtime.take(&line, calls).await,
            Input::TooLong => runtime.complain("a line is too long").await,
        }
    }
    // Those who wait for Dify would wait in vain; all others finish.
    runtime.pending.disconnect();
    calls.close();
    calls.wait().await;
}

struct Runtime {
    answering: Answering,
    outbox: Outbox,
    pending: Arc<PendingInvocations>,
    places: Semaphore,
    abandoned: CancellationToken,
}

impl Runtime {
    async fn take(self: &Arc<Self>, line: &[u8], calls: &TaskTracker) {
        let mut line: DaemonLine = match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(error) => return self.complain(&format!("not a line of Dify's protocol: {error}")).await,
        };
        let data = line.data.take();
        match line.event {
            DaemonEvent::Request => {
                let runtime = Arc::clone(self);
                let data = data.map_or_else(|| "null".to_owned(), |data| data.get().to_owned());
                let abandoned = self.abandoned.clone();
                let call = async move { runtime.call(CallContext::of(line), data).await };
                calls.spawn(abandoned.run_until_cancelled_owned(call));
            }
            DaemonEvent::BackwardsResponse => {
                match serde_json::from_str::<BackwardsResponse>(data.as_ref().map_or("null", |data| data.get())) {
                    Ok(response) => self.pending.answer(response),
                    Err(error) => self.complain(&format!("not an answer to a call back: {error}")).await,
                }
            }
        }
    }

    /// Tells the daemon's log of a line that belongs to no call.
    async fn complain(&self, about: &str) {
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
