use comfyui::{Finished, Workflow};
use dify_plugin::{Error, Reply};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::outputs::SentFile;
use crate::seeds::seeds;

/// What is said of a run that succeeded, besides its files.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// What ComfyUI's queue and history call the run.
    pub(crate) prompt_id: String,
    /// By node id, as decimal text.
    pub(crate) seeds: Map<String, Value>,
    pub(crate) outputs: Vec<SentFile>,
    /// What the server left out of the workflow, and why.
    pub(crate) warnings: Vec<String>,
}

impl Summary {
    /// Of a run of `workflow` and the files that were brought from it.
    pub(crate) fn new(workflow: &Workflow, finished: &Finished, outputs: Vec<SentFile>) -> Self {
        let dropped =
            finished.node_errors.iter().map(|error| format!("not run, because the server refused it: {error}"));
        let told = finished.warnings.iter().map(ToString::to_string);
        let warnings = dropped.chain(told).chain(not_collected(workflow)).collect();
        Self { prompt_id: finished.prompt_id.clone(), seeds: seeds(workflow), outputs, warnings }
    }

    /// The run's texts, what the user should know, and the summary as an object and as variables.
    ///
    /// # Errors
    /// When a text is too long for a message, or Dify is gone.
    pub(crate) async fn send(self, finished: &Finished, reply: &Reply) -> Result<(), Error> {
        let mut texts: Vec<String> = finished.outputs.texts.iter().map(|text| text.text.clone()).collect();
        if texts.is_empty() && self.outputs.is_empty() {
            texts.push("The workflow ran, and put out no files and no texts.".to_owned());
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
}

/// The nodes whose pictures are in no record: they exist only as frames of the WebSocket, and only once.
fn not_collected(workflow: &Workflow) -> impl Iterator<Item = String> {
    let nodes = workflow.nodes().iter().filter(|(_, node)| node.class_type == "SaveImageWebsocket");
    nodes.map(|(id, _)| {
        let node = workflow.node_label(id);
        format!("the pictures of {node} are not collected, because the server does not store them: use SaveImage")
    })
}
