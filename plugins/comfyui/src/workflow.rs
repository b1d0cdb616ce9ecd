use dify_plugin::{Error, File, Reply, Tool, ToolCall};
use serde::Deserialize;

use crate::call_time::{CallTime, default_timeout};
use crate::credentials::Credentials;
use crate::parties::Parties;
use crate::run_and_deliver::run_and_deliver;
use crate::run_parameters::{RunParameters, Wanted, yes};
use crate::selection::Selection;
use crate::servers::Servers;
use crate::workflow_source::WorkflowSource;

/// Runs a workflow that comes with the call, and [brings back](run_and_deliver) what it makes.
#[derive(Debug)]
pub(crate) struct WorkflowTool {
    servers: Servers,
}

/// As `tools/workflow.yaml` declares them.
#[derive(Debug, Deserialize)]
pub struct WorkflowParameters {
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
    output_nodes: Option<String>,
    #[serde(default)]
    include_previews: bool,
    #[serde(default = "default_timeout")]
    timeout: f64,
    #[serde(default = "yes")]
    enable_download: bool,
    #[serde(default = "yes")]
    execute_workflow: bool,
}

impl WorkflowParameters {
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
                enable_download: self.enable_download,
            },
        })
    }
}

impl WorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for WorkflowTool {
    type Credentials = Credentials;
    type Parameters = WorkflowParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let time = CallTime::start(call.parameters.timeout)?;
        let server = self.servers.server(&call.credentials)?;
        let (servers, credentials, dify) = (&self.servers, &call.credentials, &call.dify);
        let parties = Parties { credentials, servers, server: &server, dify, reply: &reply, time };
        let runs = call.parameters.execute_workflow;
        let (output_nodes, previews) = (call.parameters.output_nodes.clone(), call.parameters.include_previews);
        let mut loaded = parties.load(call.parameters.run_parameters()?).await?;
        if !runs {
            loaded.fetch_missing(parties).await?;
            return reply.json(loaded.workflow()).await;
        }
        let selection = Selection::new(output_nodes.as_deref(), previews, loaded.workflow())?;
        run_and_deliver(loaded, selection, parties).await
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_parameters, parse_tool};

    use super::*;

    #[test]
    fn the_declared_parameters_are_those_that_are_read() {
        let tool = parse_tool(include_str!("../tools/workflow.yaml")).unwrap();
        assert_eq!(check_parameters::<WorkflowParameters>(&tool), [""; 0]);
    }
}
