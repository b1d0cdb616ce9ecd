use dify_plugin::{Plugin, ToolProvider, declaration};

use crate::describe_workflow::DescribeWorkflowTool;
use crate::get_result::GetResultTool;
use crate::provider::ComfyUiProvider;
use crate::run_saved_workflow::RunSavedWorkflowTool;
use crate::servers::Servers;
use crate::submit_workflow::SubmitWorkflowTool;
use crate::workflow::WorkflowTool;

/// The name of the provider: the one that its YAML file declares.
const NAME: &str = "comfyui";

/// The plugin, ready to [`run`](Plugin::run).
#[must_use]
pub fn plugin() -> Plugin {
    let servers = Servers::default();
    let provider = ToolProvider::new(NAME, ComfyUiProvider::new(servers.clone()));
    Plugin::declared(declaration!())
        .tools(
            provider
                .tool("workflow", WorkflowTool::new(servers.clone()))
                .tool("submit_workflow", SubmitWorkflowTool::new(servers.clone()))
                .tool("run_saved_workflow", RunSavedWorkflowTool::new(servers.clone()))
                .tool("describe_workflow", DescribeWorkflowTool::new(servers.clone()))
                .tool("get_result", GetResultTool::new(servers)),
        )
        .logs_of(&["comfyui", "oxidify_comfyui"])
}
