use comfyui::Workflow;
use dify_plugin::{Error, File, Reply, Tool, ToolCall};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::execution::execute;
use crate::input_images::InputImages;
use crate::log_step::finish;
use crate::outputs;
use crate::servers::Servers;
use crate::summary::Summary;

/// Runs a workflow and brings back what it makes, in this order:
///
/// 1. While it works, log steps: the upload of the pictures, the run with its place in the queue and the node and step it
///    is at, and the way of the files.
/// 2. Every file that the run put into ComfyUI's `output` folder, in the order of the node ids. Only where there is none,
///    as in a workflow that ends in `PreviewImage`, the previews in `temp`.
/// 3. Every text that a node put out, and a note on each part of the workflow that the server left out.
/// 4. One object: the id of the prompt, the seeds as decimal text, and node, name and size of each file. Id and seeds are
///    output variables, too.
#[derive(Debug)]
pub(crate) struct WorkflowTool {
    servers: Servers,
}

/// As `tools/workflow.yaml` declares them.
#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    workflow_json: String,
    #[serde(default)]
    images: Vec<File>,
    image_ids: Option<String>,
    #[serde(default = "yes")]
    randomize_seed: bool,
    #[expect(dead_code, reason = "a workflow in API format names no models to download")]
    #[serde(default = "yes")]
    enable_download: bool,
    #[serde(default = "yes")]
    execute_workflow: bool,
}

const fn yes() -> bool {
    true
}

impl WorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for WorkflowTool {
    type Credentials = Credentials;
    type Parameters = Parameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let time = CallTime::start();
        let parameters = call.parameters;
        let mut workflow = Workflow::parse(&parameters.workflow_json)
            .map_err(|error| Error::parameter(format!("workflow_json: {error}")))?;
        if !parameters.execute_workflow {
            return reply.json(&workflow).await;
        }
        let server = self.servers.server(&call.credentials)?;
        let images = InputImages::new(parameters.images, parameters.image_ids.as_deref(), &mut workflow)?;
        if images.count() > 0 {
            let begun = Instant::now();
            let step = reply.log("Bring the pictures to ComfyUI", json!({"images": images.count()}), json!({})).await?;
            let uploaded = time.before_the_run(images.upload(&call.dify, &server, &mut workflow)).await;
            finish(step, begun, uploaded).await?;
        }
        if parameters.randomize_seed {
            workflow.randomize_seeds(&mut rand::rng());
        }
        let finished = execute(&server, &workflow, time.left_for_the_run(), &reply).await?;
        let files = outputs::to_send(&finished.outputs);
        let mut sent = Vec::new();
        if !files.is_empty() {
            let begun = Instant::now();
            let step = reply.log("Bring the files to Dify", json!({"files": files.len()}), json!({})).await?;
            let outcome = time.after_the_run(outputs::send(&files, &server, &workflow, &reply)).await;
            sent = finish(step, begun, outcome).await?;
        }
        Summary::new(&workflow, &finished, sent).send(&finished, &reply).await
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_parameters, parse_tool};

    use super::*;

    #[test]
    fn the_declared_parameters_are_those_that_are_read() {
        let tool = parse_tool(include_str!("../tools/workflow.yaml")).unwrap();
        assert_eq!(check_parameters::<Parameters>(&tool), [""; 0]);
    }
}
