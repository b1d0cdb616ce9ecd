use dify_plugin::{Error, File, Reply, Tool, ToolCall};
use serde::Deserialize;
use serde_json::json;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::parties::Parties;
use crate::preparation::Prepared;
use crate::run_parameters::{RunParameters, Wanted, yes};
use crate::servers::Servers;
use crate::summary::dropped;
use crate::workflow_source::WorkflowSource;

/// Puts a workflow into ComfyUI's queue and gives its id at once, for runs that take longer than Dify waits. The tool
/// `get_result` brings what it makes.
#[derive(Debug)]
pub(crate) struct SubmitWorkflowTool {
    servers: Servers,
}

/// As `tools/submit_workflow.yaml` declares them.
#[derive(Debug, Deserialize)]
pub struct SubmitWorkflowParameters {
    workflow_json: Option<String>,
    workflow_file: Option<File>,
    #[serde(default)]
    images: Vec<File>,
    #[serde(default)]
    files: Vec<File>,
    image_ids: Option<String>,
    inputs: Option<String>,
    seed: Option<String>,
    #[serde(default = "yes")]
    randomize_seed: bool,
}

impl SubmitWorkflowParameters {
    fn run_parameters(self) -> Result<RunParameters, Error> {
        Ok(RunParameters {
            source: WorkflowSource::only(
                "workflow_json, workflow_file",
                [WorkflowSource::json(self.workflow_json), self.workflow_file.map(WorkflowSource::File)],
            )?,
            wanted: Wanted {
                images: self.images,
                files: self.files,
                image_ids: self.image_ids,
                inputs: self.inputs,
                seed: self.seed,
                randomize_seed: self.randomize_seed,
                // A call that is to be over at once waits for no download.
                enable_download: false,
            },
        })
    }
}

impl SubmitWorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for SubmitWorkflowTool {
    type Credentials = Credentials;
    type Parameters = SubmitWorkflowParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let time = CallTime::default_from_now();
        let server = self.servers.server(&call.credentials)?;
        let (servers, credentials, dify) = (&self.servers, &call.credentials, &call.dify);
        let parties = Parties { credentials, servers, server: &server, dify, reply: &reply, time };
        let loaded = parties.load(call.parameters.run_parameters()?).await?;
        let prepared = loaded.prepare(parties).await?;
        let enqueued = server.enqueue(&prepared.workflow).await.map_err(|error| prepared.refusal(&error))?;
        let Prepared { seeds, notes, .. } = prepared;
        let mut warnings: Vec<String> = notes.into_iter().chain(dropped(&enqueued.node_errors)).collect();
        if enqueued.answer_lost {
            warnings.push(comfyui::Warning::SubmitAnswerLost.to_string());
        }
        reply.text(format!("The workflow was submitted: prompt_id {}", enqueued.prompt_id)).await?;
        for warning in &warnings {
            reply.text(format!("\nNote: {warning}")).await?;
        }
        reply.json(json!({"prompt_id": enqueued.prompt_id, "seeds": seeds, "warnings": warnings})).await?;
        reply.variable("prompt_id", &enqueued.prompt_id).await?;
        reply.variable("seeds", &seeds).await
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_parameters, parse_tool};

    use super::*;

    #[test]
    fn the_declared_parameters_are_those_that_are_read() {
        let tool = parse_tool(include_str!("../tools/submit_workflow.yaml")).unwrap();
        assert_eq!(check_parameters::<SubmitWorkflowParameters>(&tool), [""; 0]);
    }
}
