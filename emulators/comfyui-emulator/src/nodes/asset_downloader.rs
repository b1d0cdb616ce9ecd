//! `AssetDownloader` of the custom nodes `comfy-asset-downloader` by ServiceStack: a model file from a URL into a folder of
//! the server. Here it is fetched from this machine only, and of it nothing is kept but its name.

use secrecy::SecretString;
use serde_json::json;
use url::Url;

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::events::Target;
use crate::execution::Execution;
use crate::loopback_http::{DownloadError, download};
use crate::models::FOLDERS;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput, NodeValue};

/// What the node offers when it is put into a workflow.
const DEFAULT_URL: &str =
    "https://huggingface.co/ByteDance/SDXL-Lightning/resolve/main/sdxl_lightning_4step.safetensors";

pub(crate) struct AssetDownloader;

impl Node for AssetDownloader {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let folders = FOLDERS.iter().filter(|folder| **folder != "custom_nodes").copied();
        let text = |name, default: &str| {
            InputDefinition::new(name, "STRING").with("multiline", false).with("default", default)
        };
        NodeDefinition::new("AssetDownloader", "Requires Asset", Schema::V1)
            .category("loaders")
            .python_module("custom_nodes.comfy-asset-downloader")
            .output_node()
            .input(text("url", DEFAULT_URL))
            .input(InputDefinition::choice("save_to", folders).with("default", "checkpoints"))
            .input(text("filename", "sdxl_lightning_4step.safetensors"))
            .input(
                InputDefinition::new("token", "STRING")
                    .with("default", "")
                    .with("multiline", false)
                    .with("password", true)
                    .optional(),
            )
            .hidden("node_id", "UNIQUE_ID")
    }

    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let (url, folder, name) = (inputs.text("url")?, inputs.text("save_to")?, inputs.text("filename")?);
        let models = &execution.storage().models;
        // What is missing, or there already, is no failure.
        if url.is_empty() || folder.is_empty() || name.is_empty() || models.has(folder, name) {
            return Ok(NodeOutput::values(Vec::new()));
        }
        let token = match inputs.get("token") {
            Some(NodeValue::Text(token)) if !token.is_empty() => Some(SecretString::from(token.as_str())),
            _ => None,
        };
        let parsed = Url::parse(url).map_err(|_| {
            NodeError::failed("requests.exceptions.MissingSchema", format!("Invalid URL '{url}': No scheme supplied."))
        })?;
        let bytes = download(&parsed, token.as_ref()).map_err(|error| failure(url, error))?;
        tracing::debug!(folder, name, bytes, "downloaded");
        if bytes > 0 {
            let data = json!({"node": execution.node_id(), "value": 100.0, "max": 100});
            execution.application.events.send("progress", &data, Target::Everyone);
        }
        if !models.add(folder, name) {
            return Err(NodeError::failed("OSError", "[Errno 28] No space left on device"));
        }
        Ok(NodeOutput::values(Vec::new()))
    }
}

/// What `requests` raises.
fn failure(url: &str, error: DownloadError) -> NodeError {
    match error {
        DownloadError::Status(status, reason) => {
            let kind = if status < 500 { "Client" } else { "Server" };
            let message = format!("{status} {kind} Error: {reason} for url: {url}");
            NodeError::failed("requests.exceptions.HTTPError", message)
        }
        other => NodeError::failed("requests.exceptions.ConnectionError", other.to_string()),
    }
}
