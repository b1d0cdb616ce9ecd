//! Who gets which frame: one queue of events, one task that hands them out, one socket per
//! client id, as in ComfyUI's `server.py` (`send_sync`, `publish_loop`, `sockets`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::Message;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::json_text::to_text;
use crate::lock::lock;

/// Events that wait to be handed out. ComfyUI's queue has no bound.
const MAX_WAITING_EVENTS: usize = 16_384;

/// Frames that wait for one socket. When they are full the socket's client does not read, and
/// everyone waits for it, as on the real server.
const MAX_WAITING_FRAMES: usize = 256;

/// Bytes that wait, from where the worker waits for them, and then drops what there is no room for. ComfyUI knows neither
/// bound: a prompt of 10,000 nodes makes it send more than 20 GB of `progress_state`.
const MAX_WAITING_BYTES: usize = 256 << 20;
const ROOM_DEADLINE: Duration = Duration::from_secs(10);

/// Who an event is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Every socket.
    Everyone,
    /// The socket of this client id, if there is one.
    Client(String),
    /// A client id that no socket can have.
    Nobody,
}

impl Target {
    /// The target of a prompt's events: its `client_id`, or everyone if it has none.
    pub(crate) fn of_prompt(client_id: Option<&Value>) -> Self {
        match client_id {
            None | Some(Value::Null) => Self::Everyone,
            Some(Value::String(id)) => Self::Client(id.clone()),
            Some(_) => Self::Nobody,
        }
    }
}

#[derive(Debug)]
struct Event {
    target: Target,
    frame: Frame,
}

/// A frame on its way, which takes room until it is gone.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) message: Message,
    _room: Arc<Room>,
}

/// Room that a frame takes.
#[derive(Debug)]
struct Room {
    bytes: usize,
    waiting: Arc<Waiting>,
}

/// How many bytes wait, and from how many on there is no more room.
#[derive(Debug)]
struct Waiting {
    bytes: Mutex<usize>,
    most: usize,
    fewer: Condvar,
}

impl Waiting {
    fn take(self: &Arc<Self>, bytes: usize) -> Arc<Room> {
        *lock(&self.bytes) += bytes;
        Arc::new(Room { bytes, waiting: Arc::clone(self) })
    }

    /// Waits until there is room; whether there is in the end.
    fn has_room_within(&self, deadline: Duration) -> bool {
        let is_full = |bytes: &mut usize| *bytes > self.most;
        let waited = self.fewer.wait_timeout_while(lock(&self.bytes), deadline, is_full);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *lock(&self.waiting.bytes) -= self.bytes;
        self.waiting.fewer.notify_all();
    }
}

#[derive(Debug)]
struct Socket {
    frames: mpsc::Sender<Frame>,
    previews_with_metadata: bool,
}

/// The prompt that runs, or ran last: a client that comes back hears where it stands.
#[derive(Debug, Default)]
struct Running {
    client: Option<String>,
    node: Option<String>,
}

/// The sockets and the events on their way to them.
#[derive(Debug)]
pub(crate) struct EventHub {
    events: mpsc::Sender<Event>,
    sockets: Mutex<HashMap<String, Socket>>,
    running: Mutex<Running>,
    waiting: Arc<Waiting>,
    dropped: AtomicU64,
}

/// The other end of the hub's queue.
#[derive(Debug)]
pub(crate) struct EventReceiver(mpsc::Receiver<Event>);

impl EventHub {
    pub(crate) fn new() -> (Self, EventReceiver) {
        Self::with_room_for(MAX_WAITING_BYTES)
    }

    fn with_room_for(most: usize) -> (Self, EventReceiver) {
        let (events, receiver) = mpsc::channel(MAX_WAITING_EVENTS);
        let hub = Self {
            events,
            sockets: Mutex::default(),
            running: Mutex::default(),
            waiting: Arc::new(Waiting { bytes: Mutex::default(), most, fewer: Condvar::new() }),
            dropped: AtomicU64::new(0),
        };
        (hub, EventReceiver(receiver))
    }

    /// Queues a text frame.
    pub(crate) fn send(&self, kind: &str, data: &Value, target: Target) {
        let frame = self.frame(text_message(kind, data));
        self.queue(Event { target, frame });
    }

    /// Queues a `progress_state` frame, whose data is text already. These frames are as long as the prompt, so here the
    /// worker waits when clients do not keep up.
    pub(crate) fn send_progress_state(&self, data: &str, target: Target) {
        if !self.waiting.has_room_within(ROOM_DEADLINE) {
            self.drop_one();
            return;
        }
        let text = format!("{{\"type\": \"progress_state\", \"data\": {data}}}");
        let frame = self.frame(Message::Text(text.into()));
        self.queue(Event { target, frame });
    }

    /// Queues a binary frame.
    pub(crate) fn send_binary(&self, frame: Bytes, target: Target) {
        let frame = self.frame(Message::Binary(frame));
        self.queue(Event { target, frame });
    }

    /// Tells everyone how many prompts there are.
    pub(crate) fn send_status(&self, remaining: usize) {
        self.send("status", &status(remaining), Target::Everyone);
    }

    fn queue(&self, event: Event) {
        if self.events.try_send(event).is_err() {
            self.drop_one();
        }
    }

    fn drop_one(&self) {
        if self.dropped.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("too many events wait for a client that does not read; dropping");
        }
    }

    fn frame(&self, message: Message) -> Frame {
        let bytes = match &message {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
            _ => 0,
        };
        Frame { message, _room: self.waiting.take(bytes) }
    }

    /// Takes a socket in, in place of an older one with the same id, and greets it.
    pub(crate) fn connect(&self, sid: &str, remaining: usize) -> mpsc::Receiver<Frame> {
        let (frames, receiver) = mpsc::channel(MAX_WAITING_FRAMES);
        let mut greeting = status(remaining);
        if let Some(greeting) = greeting.as_object_mut() {
            greeting.insert("sid".to_owned(), Value::from(sid));
        }
        // The queue is new: these two always fit.
        let _ = frames.try_send(self.frame(text_message("status", &greeting)));
        let running = lock(&self.running);
        if let (Some(client), Some(node)) = (&running.client, &running.node)
            && client == sid
        {
            let _ = frames.try_send(self.frame(text_message("executing", &json!({"node": node}))));
        }
        drop(running);
        let socket = Socket { frames, previews_with_metadata: false };
        lock(&self.sockets).insert(sid.to_owned(), socket);
        receiver
    }

    /// Forgets the socket of this id, whoever has it by now: a second socket with the same id
    /// falls silent when the first closes, as on the real server.
    pub(crate) fn disconnect(&self, sid: &str) {
        lock(&self.sockets).remove(sid);
    }

    /// Notes what a client said it can do and answers with what the server can.
    pub(crate) fn negotiate(&self, sid: &str, flags: &Value, features: &Value) {
        if let Some(socket) = lock(&self.sockets).get_mut(sid) {
            let flag = flags.get("supports_preview_metadata");
            socket.previews_with_metadata = flag == Some(&Value::Bool(true));
            // This answer does not wait in the queue of events; it is lost if the socket is full.
            let _ = socket.frames.try_send(self.frame(text_message("feature_flags", features)));
        }
    }

    /// Whether previews for this target carry metadata.
    pub(crate) fn wants_metadata(&self, target: &Target) -> bool {
        let Target::Client(sid) = target else { return false };
        lock(&self.sockets).get(sid).is_some_and(|socket| socket.previews_with_metadata)
    }

    /// Notes whose prompt runs.
    pub(crate) fn set_running_client(&self, target: &Target) {
        lock(&self.running).client = match target {
            Target::Client(sid) => Some(sid.clone()),
            _ => None,
        };
    }

    /// Notes which node runs; none when the prompt is over.
    pub(crate) fn set_running_node(&self, node: Option<&str>) {
        lock(&self.running).node = node.map(str::to_owned);
    }

    fn receivers(&self, target: &Target) -> Vec<mpsc::Sender<Frame>> {
        let sockets = lock(&self.sockets);
        match target {
            Target::Everyone => sockets.values().map(|socket| socket.frames.clone()).collect(),
            Target::Client(sid) => sockets.get(sid).map(|socket| socket.frames.clone()).into_iter().collect(),
            Target::Nobody => Vec::new(),
        }
    }

    /// Hands events out, one after the other, until the hub is gone or the task is ended.
    pub(crate) async fn publish(&self, mut receiver: EventReceiver) {
        while let Some(event) = receiver.0.recv().await {
            for frames in self.receivers(&event.target) {
                // Fails only if the socket has closed meanwhile.
                let _ = frames.send(event.frame.clone()).await;
            }
        }
    }
}

fn status(remaining: usize) -> Value {
    json!({"status": {"exec_info": {"queue_remaining": remaining}}})
}

fn text_message(kind: &str, data: &Value) -> Message {
    Message::Text(to_text(&json!({"type": kind, "data": data})).into())
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::Message;
    use serde_json::json;

    use super::{EventHub, Frame, Target};

    fn text(frame: Option<Frame>) -> String {
        match frame.map(|frame| frame.message) {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text frame: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_client_that_comes_back_hears_which_node_runs() {
        let (hub, _receiver) = EventHub::new();
        hub.set_running_client(&Target::Client("a".into()));
        hub.set_running_node(Some("2"));
        let mut frames = hub.connect("a", 1);
        assert_eq!(
            text(frames.recv().await),
            r#"{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}, "sid": "a"}}"#
        );
        assert_eq!(text(frames.recv().await), r#"{"type": "executing", "data": {"node": "2"}}"#);
    }

    #[tokio::test]
    async fn only_the_addressee_gets_an_event() {
        let (hub, receiver) = EventHub::new();
        let mut mine = hub.connect("mine", 0);
        let mut other = hub.connect("other", 0);
        hub.send("x", &json!(1), Target::Client("mine".into()));
        hub.send("y", &json!(2), Target::Everyone);
        hub.send("z", &json!(3), Target::Nobody);
        let publish = hub.publish(receiver);
        let check = async {
            mine.recv().await;
            other.recv().await;
            assert_eq!(text(mine.recv().await), r#"{"type": "x", "data": 1}"#);
            assert_eq!(text(mine.recv().await), r#"{"type": "y", "data": 2}"#);
            assert_eq!(text(other.recv().await), r#"{"type": "y", "data": 2}"#);
        };
        tokio::select! {
            () = publish => panic!("the hub still exists"),
            () = check => {}
        }
    }

    #[tokio::test]
    async fn frames_take_room_until_they_are_gone() {
        let (hub, receiver) = EventHub::with_room_for(1000);
        let mut frames = hub.connect("a", 0);
        let nobody_reads = std::time::Duration::ZERO;
        let one = "x".repeat(500);
        for _ in 0..2 {
            assert!(hub.waiting.has_room_within(nobody_reads));
            hub.send_progress_state(&one, Target::Client("a".into()));
        }
        assert!(!hub.waiting.has_room_within(nobody_reads));
        let publish = hub.publish(receiver);
        let check = async {
            frames.recv().await;
            let first = frames.recv().await;
            assert!(!hub.waiting.has_room_within(nobody_reads));
            drop(first);
            assert!(hub.waiting.has_room_within(nobody_reads));
        };
        tokio::select! {
            () = publish => panic!("the hub still exists"),
            () = check => {}
        }
    }
}
