use std::time::Duration;

use comfyui::{ComfyUi, InputPlace, NodeClasses, Workflow};
use dify_plugin::{Dify, Error, File, Reply};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use crate::call_time::CallTime;
use crate::failure::client_failure;
use crate::input_files::InputFiles;
use crate::input_values::InputValues;
use crate::log_step::finish;
use crate::seeds::{read_seed, seeds};

/// How long the declarations of seeds may be waited for, which only help.
const SEED_DECLARATIONS: Duration = Duration::from_secs(5);

/// What the tools that submit a workflow are given.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) images: Vec<File>,
    pub(crate) files: Vec<File>,
    pub(crate) image_ids: Option<&'a str>,
    pub(crate) inputs: Option<&'a str>,
    pub(crate) seed: Option<&'a str>,
    pub(crate) randomize_seed: bool,
}

/// A workflow as the user pasted it.
///
/// # Errors
/// When it is none.
pub(crate) fn parse(workflow_json: &str) -> Result<Workflow, Error> {
    Workflow::parse(workflow_json).map_err(|error| Error::parameter(format!("workflow_json: {error}")))
}

/// Makes the workflow ready to run: its files are on the server, its values filled in, its seeds drawn. Gives the seeds.
///
/// # Errors
/// When something does not fit, before anything is sent; or when a file cannot be brought.
pub(crate) async fn prepare(
    workflow: &mut Workflow,
    wanted: Wanted<'_>,
    server: &ComfyUi,
    dify: &Dify,
    reply: &Reply,
    time: CallTime,
) -> Result<Map<String, Value>, Error> {
    let seed = wanted.seed.map(read_seed).transpose()?;
    let values = InputValues::new(wanted.inputs, workflow)?;
    let mut files = InputFiles::new(wanted.images, wanted.files, wanted.image_ids)?;
    let fixed = values.places();

    let mut classes = declared(server, values.classes_needed(workflow)).await?;
    values.fill_in(workflow, &classes, &mut files)?;
    classes.add(declared(server, files.classes_needed(workflow)).await?);
    files.find_places(workflow, &classes)?;
    if files.count() > 0 {
        let begun = Instant::now();
        let step = reply.log("Bring the files to ComfyUI", json!({"files": files.count()}), json!({})).await?;
        let uploaded = time.before_the_run(files.upload(dify, server, workflow)).await;
        finish(step, begun, uploaded).await?;
    }
    if seed.is_some() || wanted.randomize_seed {
        let asked = declared(server, workflow.classes_with_seeds());
        // Without the declarations seeds are known by their names.
        if let Ok(Ok(more)) = timeout(SEED_DECLARATIONS, asked).await {
            classes.add(more);
        }
        choose_seeds(workflow, seed, &classes, &fixed)?;
    }
    Ok(seeds(workflow, &classes))
}

async fn declared(server: &ComfyUi, mut class_types: Vec<&str>) -> Result<NodeClasses, Error> {
    class_types.sort_unstable();
    class_types.dedup();
    server.node_classes(&class_types).await.map_err(|error| client_failure(&error))
}

fn choose_seeds(
    workflow: &mut Workflow,
    seed: Option<u64>,
    classes: &NodeClasses,
    fixed: &[InputPlace],
) -> Result<(), Error> {
    let Some(seed) = seed else {
        workflow.draw_seeds(classes, fixed, &mut rand::rng());
        return Ok(());
    };
    let refused = |error: &dyn std::fmt::Display| Error::parameter(format!("seed: {error}"));
    if workflow.seed_inputs(classes).is_empty() {
        return Err(refused(&"the workflow has no seed of its own that could be set"));
    }
    workflow.set_seeds(seed, classes, fixed).map_err(|error| refused(&error))?;
    Ok(())
}
