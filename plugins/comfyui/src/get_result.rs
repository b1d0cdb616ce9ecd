use std::time::Duration;

use comfyui::{NodeClasses, Record, RunError, Sighting, Verdict, Workflow};
use dify_plugin::{Error, Reply, Tool, ToolCall};
use serde::Deserialize;
use serde_json::json;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::execution::server_version;
use crate::failure::{client_failure, run_failure};
use crate::outputs::deliver;
use crate::seeds::seeds;
use crate::selection::Selection;
use crate::servers::Servers;
use crate::summary::{Summary, seconds};

/// The longest that a result may be waited for, in seconds.
const LONGEST_WAIT: f64 = 3600.0;

/// Brings what a submitted workflow has made, as the tool `workflow` does; or says where it stands.
#[derive(Debug)]
pub(crate) struct GetResultTool {
    servers: Servers,
}

/// As `tools/get_result.yaml` declares them.
#[derive(Debug, Deserialize)]
pub struct GetResultParameters {
    prompt_id: String,
    #[serde(default)]
    wait: f64,
    output_nodes: Option<String>,
    #[serde(default)]
    include_previews: bool,
}

impl GetResultTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for GetResultTool {
    type Credentials = Credentials;
    type Parameters = GetResultParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let parameters = call.parameters;
        let prompt_id = parameters.prompt_id.trim();
        if !(0.0..=LONGEST_WAIT).contains(&parameters.wait) {
            return Err(Error::parameter(format!("wait: enter a number of seconds from 0 to {LONGEST_WAIT}")));
        }
        if prompt_id.is_empty() || prompt_id.contains(['/', '\\', '?', '#']) || prompt_id.starts_with('.') {
            return Err(Error::parameter("prompt_id: enter the id that submit_workflow gave"));
        }
        let server = self.servers.server(&call.credentials)?;
        let wait = Duration::from_secs_f64(parameters.wait);
        let seen = server.find(prompt_id, wait).await.map_err(|error| client_failure(&error))?;
        let record = match seen {
            Sighting::Recorded(record) => *record,
            Sighting::Running => return not_yet(prompt_id, "running", None, &reply).await,
            Sighting::Pending { ahead } => return not_yet(prompt_id, "queued", ahead, &reply).await,
            Sighting::Nowhere => {
                return Err(Error::parameter(format!(
                    "prompt_id: the server does not know {prompt_id}: it was deleted from the queue or the history, \
                     ComfyUI was restarted, or the id is another server's"
                )));
            }
        };
        let Record { verdict, outputs, workflow, ran, .. } = record;
        let workflow = workflow.unwrap_or_default();
        match verdict {
            Verdict::Succeeded => {}
            Verdict::Failed(mut failure) => {
                if workflow.node(&failure.node.id).is_some() {
                    failure.node = workflow.node_label(&failure.node.id);
                }
                let (failure, outputs) = (Box::new(failure), Box::new(outputs));
                return Err(run_failure(&RunError::Failed { failure, outputs }));
            }
            Verdict::Interrupted { node } => return Err(run_failure(&RunError::Interrupted { node })),
        }
        let selection = Selection::new(parameters.output_nodes.as_deref(), parameters.include_previews, &workflow)?;
        let time = CallTime::default_from_now();
        let mut summary = Summary::new(prompt_id, seeds(&workflow, &NodeClasses::default()));
        summary.server_version = server_version(&server).await;
        summary.run_seconds = ran.map(seconds);
        summary.warnings = sent_to_nobody(&workflow).collect();
        let texts = selection.texts(&outputs).map(|text| text.text.clone()).collect();
        let delivery = deliver(&selection.files(&outputs, &[]), &server, &workflow, &reply, time).await?;
        delivery.check()?;
        summary.delivered(delivery);
        reply.variable("state", "succeeded").await?;
        summary.send(texts, &reply).await
    }
}

/// The nodes whose pictures went over a socket that nobody had opened.
fn sent_to_nobody(workflow: &Workflow) -> impl Iterator<Item = String> {
    let nodes = workflow.nodes().iter().filter(|(_, node)| node.class_type == "SaveImageWebsocket");
    nodes.map(|(id, _)| comfyui::Warning::SocketImagesMissing(workflow.node_label(id)).to_string())
}

/// Where the run stands, in words and as an object.
async fn not_yet(prompt_id: &str, state: &str, ahead: Option<usize>, reply: &Reply) -> Result<(), Error> {
    let text = match ahead {
        Some(0) => format!("{prompt_id} is next in ComfyUI's queue."),
        Some(ahead) => format!("{prompt_id} is in ComfyUI's queue, {ahead} ahead."),
        None => format!("{prompt_id} is {state}."),
    };
    reply.text(text).await?;
    reply.json(json!({"prompt_id": prompt_id, "state": state, "queue_ahead": ahead})).await?;
    reply.variable("state", state).await?;
    reply.variable("prompt_id", prompt_id).await
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_parameters, parse_tool};

    use super::*;

    #[test]
    fn the_declared_parameters_are_those_that_are_read() {
        let tool = parse_tool(include_str!("../tools/get_result.yaml")).unwrap();
        assert_eq!(check_parameters::<GetResultParameters>(&tool), [""; 0]);
    }
}
