//! Everything that the routes and the worker of one server share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::events::EventHub;
use crate::faults::Faults;
use crate::node::Files;
use crate::queue::PromptQueue;
use crate::registry::Registry;
use crate::storage::Storage;
use crate::templates::Templates;
use crate::user_data::UserData;

/// The largest request body in bytes, ComfyUI's `--max-upload-size` of 100 MiB.
pub(crate) const MAX_BODY: usize = 104_857_600;

/// What the builder was told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) bearer_token: Option<SecretString>,
    pub(crate) step_delay: Duration,
    pub(crate) node_delay: Duration,
    pub(crate) previews: bool,
}

/// One server's state.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) settings: Settings,
    pub(crate) storage: Storage,
    pub(crate) registry: Registry,
    pub(crate) user_data: UserData,
    pub(crate) templates: Templates,
    pub(crate) events: Arc<EventHub>,
    pub(crate) queue: PromptQueue,
    pub(crate) faults: Faults,
    pub(crate) temp_letters: String,
    /// Cancelled when the server stops: sockets end then.
    pub(crate) stopping: CancellationToken,
    /// The number that the next prompt gets.
    next_number: AtomicI64,
    free_memory: AtomicBool,
}

impl Application {
    pub(crate) fn new(
        settings: Settings,
        storage: Storage,
        registry: Registry,
        user_data: UserData,
        templates: Templates,
        events: EventHub,
        faults: Faults,
    ) -> Self {
        let events = Arc::new(events);
        Self {
            settings,
            storage,
            registry,
            user_data,
            templates,
            queue: PromptQueue::new(Arc::clone(&events)),
            events,
            faults,
            temp_letters: random_letters(),
            stopping: CancellationToken::new(),
            next_number: AtomicI64::new(0),
            free_memory: AtomicBool::new(false),
        }
    }

    /// The files as node definitions see them.
    pub(crate) fn files(&self) -> Files<'_> {
        Files(&self.storage)
    }

    /// Counts a submission, accepted or not.
    pub(crate) fn take_number(&self) -> i64 {
        self.next_number.fetch_add(1, Ordering::SeqCst)
    }

    /// Notes that the cache is to be emptied before the next prompt.
    pub(crate) fn request_free_memory(&self) {
        self.free_memory.store(true, Ordering::SeqCst);
    }

    pub(crate) fn take_free_memory(&self) -> bool {
        self.free_memory.swap(false, Ordering::SeqCst)
    }
}

/// What `/features` answers, and the `feature_flags` frame.
pub(crate) fn features() -> Value {
    json!({
        "supports_preview_metadata": true,
        "supports_model_type_tags": true,
        "max_upload_size": MAX_BODY,
        "extension": {"manager": {"supports_v4": true}},
        "node_replacements": true,
        "assets": false,
    })
}

/// Five letters, as in `ComfyUI_temp_xfpsm_00001_.png`.
fn random_letters() -> String {
    let (bytes, _) = uuid::Uuid::new_v4().as_u64_pair();
    (0..5).map(|index| char::from(b'a' + ((bytes >> (8 * index)) % 26) as u8)).collect()
}
