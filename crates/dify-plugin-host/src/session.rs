//! The calls of one process: where its lines go.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::action::Action;
use crate::decode::Payload;
use crate::failure::CallFailure;
use crate::request::Origin;

/// Most calls whose end is remembered, to tell a late message from one for a call that never was.
const REMEMBERED: usize = 4096;

/// Something that came for a call.
#[derive(Debug)]
pub(crate) enum SessionEvent {
    Payload(Payload),
    Chunk(FileChunk),
    CalledBack(String),
    End,
}

/// A piece of a file, decoded.
#[derive(Debug)]
pub(crate) struct FileChunk {
    pub(crate) id: String,
    pub(crate) sequence: u64,
    pub(crate) total_length: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: bool,
    pub(crate) meta: Option<Map<String, Value>>,
}

/// A call that runs, as the reader of the process sees it. When it is gone the receiver finds why in `failure`, or
/// in how the process ended.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) action: Action,
    pub(crate) origin: Origin,
    pub(crate) user_id: String,
    pub(crate) events: mpsc::Sender<SessionEvent>,
    pub(crate) failure: Arc<OnceLock<CallFailure>>,
}

/// How a call was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    /// Its `end`.
    End,
    /// Its `error`, after which an `end` is usual.
    Error,
    /// This side: nobody listens any more.
    Host,
}

/// What is known of a session id.
#[derive(Debug)]
pub(crate) enum Known {
    Open(Arc<Session>),
    Closed(ClosedBy),
    Never,
}

#[derive(Debug)]
struct Closed {
    by: ClosedBy,
    failure: Arc<OnceLock<CallFailure>>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<String, Arc<Session>>,
    closed: HashMap<String, Closed>,
    order: VecDeque<String>,
    /// Set when the process is gone: no call can be opened any more.
    over: bool,
}

/// All calls of a process.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Table>);

impl Sessions {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the process still lives, so that something can come.
    pub(crate) fn open(&self, id: String, session: Session) -> bool {
        let mut table = self.table();
        if !table.over {
            table.open.insert(id, Arc::new(session));
        }
        !table.over
    }

    pub(crate) fn find(&self, id: &str) -> Known {
        let table = self.table();
        match table.open.get(id) {
            Some(session) => Known::Open(Arc::clone(session)),
            None => table.closed.get(id).map_or(Known::Never, |closed| Known::Closed(closed.by)),
        }
    }

    /// Nothing more is passed on to the call, which finds its `failure` after what came before.
    pub(crate) fn close(&self, id: &str, by: ClosedBy, failure: Option<CallFailure>) {
        let mut table = self.table();
        let session = table.open.remove(id);
        let known = match session {
            Some(session) => Arc::clone(&session.failure),
            None => match table.closed.get_mut(id) {
                Some(closed) => {
                    closed.by = by;
                    if let Some(failure) = failure {
                        let _ = closed.failure.set(failure);
                    }
                    return;
                }
                None => return,
            },
        };
        if let Some(failure) = failure {
            let _ = known.set(failure);
        }
        table.closed.insert(id.to_owned(), Closed { by, failure: known });
        table.order.push_back(id.to_owned());
        if table.order.len() > REMEMBERED
            && let Some(oldest) = table.order.pop_front()
        {
            table.closed.remove(&oldest);
        }
    }

    /// Closes a call that nobody listens to, unless it is closed.
    pub(crate) fn abandon(&self, id: &str) {
        if matches!(self.find(id), Known::Open(_)) {
            self.close(id, ClosedBy::Host, None);
        }
    }

    /// Fails every open call.
    pub(crate) fn fail_all(&self, failure: &CallFailure) {
        let open: Vec<String> = self.table().open.keys().cloned().collect();
        for id in open {
            self.close(&id, ClosedBy::Host, Some(failure.clone()));
        }
    }

    /// The process is gone.
    pub(crate) fn over(&self) {
        let mut table = self.table();
        table.over = true;
        table.open.clear();
    }
}
