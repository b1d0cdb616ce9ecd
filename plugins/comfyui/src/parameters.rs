//! The types that parameters and credentials are read into, for those who check the YAML files against them.

/// What `tools/describe_workflow.yaml` declares.
pub use crate::describe_workflow::DescribeWorkflowParameters;
/// What `tools/get_result.yaml` declares.
pub use crate::get_result::GetResultParameters;
/// What `tools/run_saved_workflow.yaml` declares.
pub use crate::run_saved_workflow::RunSavedWorkflowParameters;
/// What `tools/submit_workflow.yaml` declares.
pub use crate::submit_workflow::SubmitWorkflowParameters;
/// What `tools/workflow.yaml` declares.
pub use crate::workflow::WorkflowParameters;

/// What `provider/comfyui.yaml` declares.
pub use crate::credentials::Credentials;
