use dify_plugin::{Plugin, ToolProvider};

use crate::get_result::GetResultTool;
use crate::provider::ComfyUiProvider;
use crate::servers::Servers;
use crate::submit_workflow::SubmitWorkflowTool;
use crate::workflow::WorkflowTool;

/// The name of the plugin and of its provider: the one that the YAML files declare.
const NAME: &str = "comfyui";

/// The plugin, ready to [`run`](Plugin::run).
#[must_use]
pub fn plugin() -> Plugin {
    let servers = Servers::default();
    let provider = ToolProvider::new(NAME, ComfyUiProvider::new(servers.clone()));
    Plugin::new(NAME, env!("CARGO_PKG_VERSION"))
        .tools(
            provider
                .tool("workflow", WorkflowTool::new(servers.clone()))
                .tool("submit_workflow", SubmitWorkflowTool::new(servers.clone()))
                .tool("get_result", GetResultTool::new(servers)),
        )
        .logs_of(&["comfyui", "oxidify_comfyui"])
}
