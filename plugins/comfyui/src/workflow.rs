use comfyui::{ComfyUi, Workflow};
use dify_plugin::{Error, File, Reply, Tool, ToolCall};
use serde::Deserialize;
use uuid::Uuid;

use crate::call_time::{CallTime, DEFAULT_TIMEOUT};
use crate::credentials::Credentials;
use crate::execution::{execute, server_version};
use crate::outputs::{Delivery, LostFile, deliver};
use crate::preparation::{Wanted, parse, prepare};
use crate::selection::Selection;
use crate::servers::Servers;
use crate::summary::{Summary, dropped, seconds};

/// Runs a workflow and brings back what it makes, in this order:
///
/// 1. While it works, log steps: the upload of the files, the run with its place in the queue and the node and step it
///    is at, and the way of the results.
/// 2. Every file that the run put into ComfyUI's `output` folder or sent over the socket, in the order of the node ids.
///    Only where there is none, as in a workflow that ends in `PreviewImage`, the previews in `temp`.
/// 3. Every text that a node put out, or how many files there are; and a note on each thing that went wrong.
/// 4. One object: the id of the prompt, the server's version, the times, the seeds as decimal text, and node, name and
///    size of each file. Id and seeds are output variables, too.
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
    #[serde(default)]
    files: Vec<File>,
    image_ids: Option<String>,
    inputs: Option<String>,
    seed: Option<String>,
    #[serde(default = "yes")]
    randomize_seed: bool,
    output_nodes: Option<String>,
    #[serde(default)]
    include_previews: bool,
    #[serde(default = "default_timeout")]
    timeout: f64,
    #[expect(dead_code, reason = "a workflow in API format names no models to download")]
    #[serde(default = "yes")]
    enable_download: bool,
    #[serde(default = "yes")]
    execute_workflow: bool,
}

const fn yes() -> bool {
    true
}

fn default_timeout() -> f64 {
    DEFAULT_TIMEOUT.as_secs_f64()
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
        let parameters = call.parameters;
        let time = CallTime::start(parameters.timeout)?;
        let mut workflow = parse(&parameters.workflow_json)?;
        if !parameters.execute_workflow {
            return reply.json(&workflow).await;
        }
        let selection = Selection::new(parameters.output_nodes.as_deref(), parameters.include_previews, &workflow)?;
        let server = self.servers.server(&call.credentials)?;
        let wanted = Wanted {
            images: parameters.images,
            files: parameters.files,
            image_ids: parameters.image_ids.as_deref(),
            inputs: parameters.inputs.as_deref(),
            seed: parameters.seed.as_deref(),
            randomize_seed: parameters.randomize_seed,
        };
        let seeds = prepare(&mut workflow, wanted, &server, &call.dify, &reply, time).await?;
        let (finished, version) =
            tokio::join!(execute(&server, &workflow, time.left_for_the_run(), &reply), server_version(&server));
        let finished = finished?;

        let mut summary = Summary::new(&finished.prompt_id, seeds);
        summary.server_version = version;
        summary.queued_seconds = Some(seconds(finished.queued));
        summary.run_seconds = Some(seconds(finished.ran));
        summary.warnings =
            dropped(&finished.node_errors).chain(finished.warnings.iter().map(ToString::to_string)).collect();
        let texts = selection.texts(&finished.outputs).map(|text| text.text.clone()).collect();

        let files = selection.files(&finished.outputs, &finished.socket_images);
        let mut delivery = deliver(&files, &server, &workflow, &reply, time).await?;
        let gone = delivery.take_gone();
        if !gone.is_empty() {
            let again = make_again(gone, &selection, &server, &workflow, &reply, time).await?;
            delivery.sent.extend(again.sent);
            delivery.lost.extend(again.lost);
            delivery.is_cut_short |= again.is_cut_short;
        }
        delivery.check()?;
        summary.delivered(delivery);
        summary.send(texts, &reply).await
    }
}

/// Runs the nodes once more whose files are gone from the server, which remembers them as made: what feeds them stays
/// cached. Brings the files of these nodes.
async fn make_again(
    nodes: Vec<String>,
    selection: &Selection,
    server: &ComfyUi,
    workflow: &Workflow,
    reply: &Reply,
    time: CallTime,
) -> Result<Delivery, Error> {
    let mut workflow = workflow.clone();
    let nonce = Uuid::new_v4().to_string();
    nodes.iter().for_each(|node| workflow.avoid_cache(node, &nonce));
    match execute(server, &workflow, time.left_for_the_run(), reply).await {
        Ok(finished) => {
            let selection = selection.only(nodes);
            deliver(&selection.files(&finished.outputs, &[]), server, &workflow, reply, time).await
        }
        Err(error) => {
            let lost = nodes.into_iter().map(|node_id| LostFile {
                error: format!(
                    "the files of {} are gone from the server, and could not be made again: {}",
                    workflow.node_label(&node_id),
                    error.message()
                ),
                node_id,
                filename: String::new(),
                is_gone: true,
            });
            Ok(Delivery { lost: lost.collect(), ..Delivery::default() })
        }
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
