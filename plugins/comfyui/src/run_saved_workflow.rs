use dify_plugin::{Error, File, ParameterOption, Reply, Tool, ToolCall};
use serde::Deserialize;

use crate::call_time::{CallTime, default_timeout};
use crate::credentials::Credentials;
use crate::parties::Parties;
use crate::run_and_deliver::run_and_deliver;
use crate::run_parameters::{RunParameters, Wanted, yes};
use crate::saved_workflow::saved_options;
use crate::selection::Selection;
use crate::servers::Servers;
use crate::workflow_source::WorkflowSource;

/// Runs a workflow that is saved on the server, or one of its templates, and [brings back](run_and_deliver) what it makes.
#[derive(Debug)]
pub(crate) struct RunSavedWorkflowTool {
    servers: Servers,
}

/// As `tools/run_saved_workflow.yaml` declares them.
#[derive(Debug, Deserialize)]
pub struct RunSavedWorkflowParameters {
    saved_workflow: Option<String>,
    workflow_name: Option<String>,
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
}

impl RunSavedWorkflowParameters {
    fn run_parameters(self) -> Result<RunParameters, Error> {
        Ok(RunParameters {
            source: WorkflowSource::only(
                "saved_workflow, workflow_name",
                [WorkflowSource::chosen(self.saved_workflow), WorkflowSource::named(self.workflow_name)],
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

impl RunSavedWorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for RunSavedWorkflowTool {
    type Credentials = Credentials;
    type Parameters = RunSavedWorkflowParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let time = CallTime::start(call.parameters.timeout)?;
        let server = self.servers.server(&call.credentials)?;
        let (servers, credentials, dify) = (&self.servers, &call.credentials, &call.dify);
        let parties = Parties { credentials, servers, server: &server, dify, reply: &reply, time };
        let (output_nodes, previews) = (call.parameters.output_nodes.clone(), call.parameters.include_previews);
        let loaded = parties.load(call.parameters.run_parameters()?).await?;
        let selection = Selection::new(output_nodes.as_deref(), previews, loaded.workflow())?;
        run_and_deliver(loaded, selection, parties).await
    }

    async fn parameter_options(
        &self,
        parameter: &str,
        credentials: Credentials,
    ) -> Result<Vec<ParameterOption>, Error> {
        saved_options(parameter, &self.servers, &credentials).await
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_declaration::{check_parameters, parse_tool};

    use super::*;

    #[test]
    fn the_declared_parameters_are_those_that_are_read() {
        let tool = parse_tool(include_str!("../tools/run_saved_workflow.yaml")).unwrap();
        assert_eq!(check_parameters::<RunSavedWorkflowParameters>(&tool), [""; 0]);
    }
}
