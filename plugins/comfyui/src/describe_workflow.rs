use comfyui::describe;
use dify_plugin::{Error, File, ParameterOption, Reply, Tool, ToolCall};
use serde::Deserialize;
use serde_json::json;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::parties::Parties;
use crate::preparation::notes;
use crate::saved_workflow::saved_options;
use crate::servers::Servers;
use crate::workflow_source::WorkflowSource;

/// Says what a workflow takes, makes and needs, and what of that the server lacks, as text and as an object.
#[derive(Debug)]
pub(crate) struct DescribeWorkflowTool {
    servers: Servers,
}

/// As `tools/describe_workflow.yaml` declares them.
#[derive(Debug, Deserialize)]
pub struct DescribeWorkflowParameters {
    workflow_json: Option<String>,
    workflow_file: Option<File>,
    saved_workflow: Option<String>,
    workflow_name: Option<String>,
}

impl DescribeWorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for DescribeWorkflowTool {
    type Credentials = Credentials;
    type Parameters = DescribeWorkflowParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let DescribeWorkflowParameters { workflow_json, workflow_file, saved_workflow, workflow_name } =
            call.parameters;
        let source = WorkflowSource::only(
            "workflow_json, workflow_file, saved_workflow, workflow_name",
            [
                WorkflowSource::json(workflow_json),
                workflow_file.map(WorkflowSource::File),
                WorkflowSource::chosen(saved_workflow),
                WorkflowSource::named(workflow_name),
            ],
        )?;
        let time = CallTime::default_from_now();
        let server = self.servers.server(&call.credentials)?;
        let (servers, credentials, dify) = (&self.servers, &call.credentials, &call.dify);
        let parties = Parties { credentials, servers, server: &server, dify, reply: &reply, time };
        let loaded = time.before_the_run(source.load(parties.asked(), 0)).await?;
        let (known, found) = parties.examined(&loaded.workflow, &loaded.provenance).await?;
        let description = describe(&loaded.workflow, &known.classes, &loaded.provenance, &found);
        let notes = notes(&loaded.notices);
        let mut text = description.to_string();
        for note in &notes {
            text.push_str(&format!("\nNote: {note}"));
        }
        reply.text(text).await?;
        let is_runnable = description.is_runnable;
        reply.json(json!({"workflow": description, "notes": notes})).await?;
        reply.variable("is_runnable", is_runnable).await
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
        let tool = parse_tool(include_str!("../tools/describe_workflow.yaml")).unwrap();
        assert_eq!(check_parameters::<DescribeWorkflowParameters>(&tool), [""; 0]);
    }
}
