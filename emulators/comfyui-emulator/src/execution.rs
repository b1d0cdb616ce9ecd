//! What a running node may use.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::application::Application;
use crate::events::Target;
use crate::frames::{Preview, text_frame};
use crate::node::NodeError;
use crate::progress::ProgressBoard;
use crate::storage::Storage;

/// The run of one node of one prompt.
pub struct Execution<'a> {
    pub(crate) application: &'a Application,
    pub(crate) node_id: &'a str,
    pub(crate) prompt_id: &'a str,
    pub(crate) prompt: &'a Map<String, Value>,
    pub(crate) extra_data: &'a Map<String, Value>,
    pub(crate) target: &'a Target,
    pub(crate) progress: &'a mut ProgressBoard,
}

impl Execution<'_> {
    /// The id of the node.
    #[must_use]
    pub fn node_id(&self) -> &str {
        self.node_id
    }

    /// Tells the client how far the node is, with a picture if there is one.
    ///
    /// # Errors
    ///
    /// [`NodeError::Interrupted`] if the prompt was interrupted: hand it on.
    pub fn progress(&mut self, value: u64, max: u64, preview: Option<&Preview>) -> Result<(), NodeError> {
        if self.application.queue.take_interrupt() {
            return Err(NodeError::Interrupted);
        }
        let events = &self.application.events;
        self.progress.update(self.node_id, value, max);
        events.send_progress_state(&self.progress.snapshot(), self.target.clone());
        let with_metadata = events.wants_metadata(self.target);
        let encoded = |frame: Result<bytes::Bytes, image::ImageError>| {
            frame.map_err(|error| NodeError::failed("OSError", error.to_string()))
        };
        // The frame with metadata comes before `progress`, the one without after it.
        if let (Some(preview), true) = (preview, with_metadata) {
            let metadata = self.progress.preview_metadata(self.node_id);
            events.send_binary(encoded(preview.to_frame_with(metadata))?, self.target.clone());
        }
        let data = serde_json::json!({
            "value": value,
            "max": max,
            "prompt_id": self.prompt_id,
            "node": self.node_id,
        });
        events.send("progress", &data, self.target.clone());
        if let (Some(preview), false) = (preview, with_metadata) {
            events.send_binary(encoded(preview.to_frame())?, self.target.clone());
        }
        Ok(())
    }

    /// Sends a text that belongs to this node: to the prompt's client, or to every socket, which
    /// is what ComfyUI's own nodes do.
    pub fn send_text(&self, text: &str, to_everyone: bool) {
        let target = if to_everyone { Target::Everyone } else { self.target.clone() };
        self.application.events.send_binary(text_frame(self.node_id, text), target);
    }

    /// Blocks the worker, as a node that computes. An interrupt does not end it; a stopping
    /// server does.
    pub fn pause(&self, duration: Duration) {
        self.application.queue.pause(duration);
    }

    /// How long a step of a sampler takes.
    #[must_use]
    pub fn step_delay(&self) -> Duration {
        self.application.settings.step_delay
    }

    /// Whether samplers send pictures on their way: `preview_method` of the prompt's `extra_data`,
    /// or what the server was started with.
    #[must_use]
    pub fn wants_previews(&self) -> bool {
        match self.extra_data.get("preview_method").and_then(Value::as_str) {
            Some("auto" | "latent2rgb" | "taesd") => true,
            Some("none") => false,
            _ => self.application.settings.previews,
        }
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.application.storage
    }

    /// What ComfyUI writes into PNG files: the prompt, and everything of `extra_pnginfo`.
    pub(crate) fn png_texts(&self) -> Vec<(String, String)> {
        let to_text = |value: &Value| crate::json_text::to_text(value);
        let prompt = to_text(&Value::Object(self.prompt.clone()));
        let mut texts = vec![("prompt".to_owned(), prompt)];
        let infos = self.extra_data.get("extra_pnginfo").and_then(Value::as_object);
        for (name, value) in infos.into_iter().flatten() {
            texts.push((name.clone(), to_text(value)));
        }
        texts
    }

    /// The five letters that the previews of this server have in their names.
    pub(crate) fn temp_letters(&self) -> &str {
        &self.application.temp_letters
    }
}

impl fmt::Debug for Execution<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("prompt_id", &self.prompt_id)
            .field("node_id", &self.node_id)
            .finish_non_exhaustive()
    }
}
