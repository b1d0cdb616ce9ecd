use std::time::Duration;

use comfyui::NodeError;
use dify_plugin::{Error, Reply};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::outputs::{Delivery, LostFile, SentFile};

/// The most files that the text for agents lists.
const MAX_LISTED: usize = 10;

/// What is said of a run that succeeded, besides its files.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// What ComfyUI's queue and history call the run.
    pub(crate) prompt_id: String,
    /// ComfyUI's version, where it says so.
    pub(crate) server_version: Option<String>,
    /// On the way and in the queue.
    pub(crate) queued_seconds: Option<f64>,
    /// From the first node to the last.
    pub(crate) run_seconds: Option<f64>,
    /// By node id, as decimal text.
    pub(crate) seeds: Map<String, Value>,
    pub(crate) outputs: Vec<SentFile>,
    /// Files of the run that did not get to Dify.
    pub(crate) not_delivered: Vec<LostFile>,
    /// What the server left out of the workflow, and why.
    pub(crate) warnings: Vec<String>,
}

/// What the server left out of a workflow of which it runs the rest.
pub(crate) fn dropped(node_errors: &[NodeError]) -> impl Iterator<Item = String> {
    node_errors.iter().map(|error| format!("not run, because the server refused it: {error}"))
}

/// Seconds with three decimals.
pub(crate) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

impl Summary {
    /// Of a run, before its files are known.
    pub(crate) fn new(prompt_id: &str, seeds: Map<String, Value>) -> Self {
        Self {
            prompt_id: prompt_id.to_owned(),
            server_version: None,
            queued_seconds: None,
            run_seconds: None,
            seeds,
            outputs: Vec::new(),
            not_delivered: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// With what came of the files.
    pub(crate) fn delivered(&mut self, delivery: Delivery) {
        self.warnings.extend(delivery.lost.iter().map(|lost| lost.error.clone()));
        if delivery.is_cut_short {
            self.warnings.push(
                "not all files could be brought to Dify in the time that the call has (timeout); they are on the server"
                    .to_owned(),
            );
        }
        self.outputs = delivery.sent;
        self.not_delivered = delivery.lost;
    }

    /// The run's texts, what the user should know, and the summary as an object and as variables.
    ///
    /// # Errors
    /// When a text is too long for a message, or Dify is gone.
    pub(crate) async fn send(self, mut texts: Vec<String>, reply: &Reply) -> Result<(), Error> {
        if texts.is_empty() {
            texts.push(self.in_short());
        }
        texts.extend(self.warnings.iter().map(|warning| format!("Note: {warning}")));
        // Dify joins texts without anything between them.
        for (index, text) in texts.into_iter().enumerate() {
            reply.text(if index == 0 { text } else { format!("\n{text}") }).await?;
        }
        reply.json(&self).await?;
        reply.variable("prompt_id", &self.prompt_id).await?;
        reply.variable("seeds", &self.seeds).await
    }

    /// For agents, which do not see files.
    fn in_short(&self) -> String {
        if self.outputs.is_empty() {
            return "The workflow ran, and put out no files and no texts.".to_owned();
        }
        let names: Vec<&str> = self.outputs.iter().take(MAX_LISTED).map(|file| file.filename.as_str()).collect();
        let more = self.outputs.len().saturating_sub(MAX_LISTED);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        let count = self.outputs.len();
        format!("The workflow made {count} file{}: {}{tail}.", if count == 1 { "" } else { "s" }, names.join(", "))
    }
}
