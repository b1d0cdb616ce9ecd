use dify_plugin::File;

use crate::workflow_source::WorkflowSource;

/// What the tools that bring a workflow to run are given, whatever else each of them takes.
#[derive(Debug)]
pub(crate) struct RunParameters {
    pub(crate) source: WorkflowSource,
    pub(crate) wanted: Wanted,
}

/// The default of what is done unless the user says no.
pub(crate) const fn yes() -> bool {
    true
}

/// What is put into the workflow before it runs.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) images: Vec<File>,
    pub(crate) files: Vec<File>,
    pub(crate) image_ids: Option<String>,
    pub(crate) inputs: Option<String>,
    pub(crate) seed: Option<String>,
    pub(crate) randomize_seed: bool,
    /// Whether the server is to fetch models that it lacks.
    pub(crate) enable_download: bool,
}
