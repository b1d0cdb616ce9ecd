use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ComfyUi;
use crate::{ClientError, NodeDefinitions};

/// How long an answer is good for. A server learns of new classes only when it is started again.
const LIFETIME: Duration = Duration::from_secs(300);
/// The most servers.
const MAX_SERVERS: usize = 8;
/// Of all answers together, in bytes as they came; what is kept of them is a fraction of that.
const MAX_BYTES: usize = 128 << 20;

/// The node definitions of the servers that were asked last, so that not every run asks for megabytes.
///
/// It belongs to whoever makes the calls and is shared by them. Calls that want the same at the same time share one
/// request, and its failure. A server is known by its address and by what it is sent to be let in: of that, a hash is kept
/// that only this process can make.
pub struct NodeDefinitionCache {
    lifetime: Duration,
    max_servers: usize,
    max_bytes: usize,
    /// Two, because half of 128 bits may meet by chance, and all of them do not.
    hashers: [RandomState; 2],
    /// The one that was used last stands last.
    slots: Mutex<Vec<(Identity, Arc<Slot>)>>,
}

type Identity = (String, [u64; 2]);

/// What is known of one server.
#[derive(Default)]
struct Slot {
    /// Held while the server is asked, by the one who asks.
    asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts the answers, good and bad.
    answers: u64,
    last: Option<Answer>,
}

#[derive(Clone)]
struct Answer {
    result: Result<Arc<NodeDefinitions>, Arc<ClientError>>,
    at: Instant,
    bytes: usize,
}

impl NodeDefinitionCache {
    /// For at most 8 servers and 128 MiB of answers, each good for 5 minutes.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(LIFETIME, MAX_SERVERS, MAX_BYTES)
    }

    /// With limits of its own. An answer of more than `max_bytes` is given, but not kept.
    #[must_use]
    pub fn with_limits(lifetime: Duration, max_servers: usize, max_bytes: usize) -> Self {
        let hashers = [RandomState::new(), RandomState::new()];
        Self { lifetime, max_servers, max_bytes, hashers, slots: Mutex::default() }
    }

    /// The definitions of this server: those that are kept, or the server's.
    ///
    /// # Errors
    /// [`ClientError`], shared by those who waited for the same answer. It is not kept: the next call asks again.
    pub async fn get(&self, server: &ComfyUi) -> Result<Arc<NodeDefinitions>, Arc<ClientError>> {
        self.get_unless(server, |_| false).await
    }

    /// The definitions of this server, other than `known`: for when a class is missing in these. Of several calls that miss
    /// something in the same ones, one asks.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn get_anew(
        &self,
        server: &ComfyUi,
        known: &Arc<NodeDefinitions>,
    ) -> Result<Arc<NodeDefinitions>, Arc<ClientError>> {
        self.get_unless(server, |kept| Arc::ptr_eq(kept, known)).await
    }

    async fn get_unless(
        &self,
        server: &ComfyUi,
        is_known: impl Fn(&Arc<NodeDefinitions>) -> bool + Send + Sync,
    ) -> Result<Arc<NodeDefinitions>, Arc<ClientError>> {
        let identity = self.identity(server);
        let slot = self.slot(&identity);
        let good = |state: &State| {
            let answer = state.last.as_ref().filter(|answer| answer.at.elapsed() < self.lifetime)?;
            answer.result.as_ref().ok().filter(|kept| !is_known(kept)).map(Arc::clone)
        };
        let before = {
            let state = lock(&slot.state);
            if let Some(kept) = good(&state) {
                return Ok(kept);
            }
            state.answers
        };
        // Whoever asks may be dropped in the middle: the next one in the row asks then.
        let _asking = slot.asking.lock().await;
        {
            let state = lock(&slot.state);
            if let Some(answer) = state.last.as_ref().filter(|_| state.answers > before) {
                return answer.result.clone();
            }
        }
        let (result, bytes) = match server.node_definitions_and_length().await {
            Ok((definitions, bytes)) => (Ok(Arc::new(definitions)), bytes),
            Err(error) => (Err(Arc::new(error)), 0),
        };
        {
            let mut state = lock(&slot.state);
            state.answers += 1;
            state.last = Some(Answer { result: result.clone(), at: Instant::now(), bytes });
        }
        self.make_room();
        result
    }

    /// The hash tells nobody what the credentials are: its keys are drawn at the start of the process.
    fn identity(&self, server: &ComfyUi) -> Identity {
        let credentials = server.credential_bytes();
        (server.address().to_string(), self.hashers.each_ref().map(|hasher| hasher.hash_one(&credentials)))
    }

    fn slot(&self, identity: &Identity) -> Arc<Slot> {
        let mut slots = lock(&self.slots);
        let found = slots.iter().position(|(known, _)| known == identity).map(|at| slots.remove(at));
        let (identity, slot) = found.unwrap_or_else(|| (identity.clone(), Arc::default()));
        slots.push((identity, Arc::clone(&slot)));
        // Those who hold one that is forgotten still get its answer.
        if slots.len() > self.max_servers {
            slots.remove(0);
        }
        slot
    }

    /// Forgets answers that are too old, and those that were not used for longest, until there is room for the others.
    fn make_room(&self) {
        let mut slots = lock(&self.slots);
        slots.retain(|(_, slot)| {
            lock(&slot.state).last.as_ref().is_none_or(|answer| answer.at.elapsed() < self.lifetime)
        });
        let bytes = |slots: &Vec<(Identity, Arc<Slot>)>| -> usize {
            slots.iter().filter_map(|(_, slot)| lock(&slot.state).last.as_ref().map(|answer| answer.bytes)).sum()
        };
        while bytes(&slots) > self.max_bytes && !slots.is_empty() {
            slots.remove(0);
        }
    }
}

/// What a panic elsewhere left behind is whole: nothing under these locks can fail half way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for NodeDefinitionCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for NodeDefinitionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeDefinitionCache").field("servers", &lock(&self.slots).len()).finish_non_exhaustive()
    }
}
