use dify_plugin::{Error, File, Reply, Tool, ToolCall};
use serde::Deserialize;
use serde_json::json;

use crate::call_time::CallTime;
use crate::credentials::Credentials;
use crate::failure::client_failure;
use crate::preparation::{Wanted, parse, prepare};
use crate::servers::Servers;
use crate::summary::dropped;

/// Puts a workflow into ComfyUI's queue and gives its id at once, for runs that take longer than Dify waits. The tool
/// `get_result` brings what it makes.
#[derive(Debug)]
pub(crate) struct SubmitWorkflowTool {
    servers: Servers,
}

/// As `tools/submit_workflow.yaml` declares them.
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
}

const fn yes() -> bool {
    true
}

impl SubmitWorkflowTool {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl Tool for SubmitWorkflowTool {
    type Credentials = Credentials;
    type Parameters = Parameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let parameters = call.parameters;
        let time = CallTime::default_from_now();
        let mut workflow = parse(&parameters.workflow_json)?;
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
        let enqueued = server.enqueue(&workflow).await.map_err(|error| client_failure(&error))?;
        let mut warnings: Vec<String> = dropped(&enqueued.node_errors).collect();
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
        assert_eq!(check_parameters::<Parameters>(&tool), [""; 0]);
    }
}
