use comfyui::{ClientError, InputPlace, MissingModel, Notice, Preflight, RunError, Workflow, preflight};
use dify_plugin::Error;
use rand::RngExt;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::declarations::Known;
use crate::failure::{client_failure, refused_workflow, run_failure};
use crate::input_files::InputFiles;
use crate::input_values::InputValues;
use crate::log_step::finish;
use crate::model_download::{Download, fetch_models};
use crate::parties::{Parties, class_types};
use crate::run_parameters::{RunParameters, Wanted};
use crate::seeds::{read_seed, seeds};
use crate::workflow_source::LoadedWorkflow;

/// The most classes that are asked for; the server alone checks a workflow with more.
const MAX_CLASSES: usize = 1000;

/// A workflow that has come, and what is to be put into it.
#[derive(Debug)]
pub(crate) struct Loaded {
    loaded: LoadedWorkflow,
    wanted: Wanted,
    seed: Option<u64>,
}

/// A workflow that is ready to be submitted.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) workflow: Workflow,
    pub(crate) seeds: Map<String, Value>,
    /// What the user should hear of it.
    pub(crate) notes: Vec<String>,
    /// What the server may refuse.
    doubts: Preflight,
    parameter: &'static str,
}

/// A workflow with its values, by what is declared.
struct Fitted {
    workflow: Workflow,
    files: InputFiles,
    /// The inputs that the user set.
    fixed: Vec<InputPlace>,
    preflight: Preflight,
}

impl Parties<'_> {
    /// Reads the workflow of a call.
    ///
    /// # Errors
    /// When it cannot be had or is none.
    pub(crate) async fn load(self, parameters: RunParameters) -> Result<Loaded, Error> {
        let RunParameters { source, wanted } = parameters;
        let seed = wanted.seed.as_deref().map(read_seed).transpose()?;
        let drawn_from = seed.unwrap_or_else(|| if wanted.randomize_seed { rand::rng().random() } else { 0 });
        let loaded = self.time.before_the_run(source.load(self.asked(), drawn_from)).await?;
        Ok(Loaded { loaded, wanted, seed })
    }
}

impl Loaded {
    pub(crate) const fn workflow(&self) -> &Workflow {
        &self.loaded.workflow
    }

    /// Has the server fetch the models that it lacks, if it may.
    ///
    /// # Errors
    /// When a model cannot be fetched.
    pub(crate) async fn fetch_missing(&mut self, parties: Parties<'_>) -> Result<(), Error> {
        let can_be_had = self.loaded.provenance.models().iter().any(|model| model.url.is_some());
        if !self.wanted.enable_download || !can_be_had {
            return Ok(());
        }
        let (_, found) = parties.examined(&self.loaded.workflow, &self.loaded.provenance).await?;
        let models = can_be_fetched(&found);
        match fetch_models(&models, parties).await? {
            Download::Done(names) => self.rename(&found, &names),
            Download::NoDownloader(told) => return Err(Error::failed(format!("enable_download: {told}"))),
            Download::Nothing => {}
        }
        Ok(())
    }

    /// Names the models as they were saved: without folders.
    fn rename(&mut self, found: &Preflight, saved: &[(String, String)]) {
        for (finding, model) in found.missing_models() {
            let Some((_, name)) = saved.iter().find(|(wanted, _)| *wanted == model.name) else { continue };
            if let Some(input) = &finding.input {
                let place = InputPlace { node_id: finding.node.id.clone(), input: input.clone() };
                self.loaded.workflow.set_input(&place, Value::from(name.as_str()));
            }
        }
    }

    /// The files and values where they belong, by what is declared.
    fn fit(&self, known: &Known, replaced: &[String], is_checked: bool) -> Result<Fitted, Error> {
        let mut workflow = self.loaded.workflow.clone();
        let values = InputValues::new(self.wanted.inputs.as_deref(), &workflow)?;
        let mut files = self.files()?;
        let fixed = values.places();
        values.fill_in(&mut workflow, &known.classes, &mut files)?;
        files.find_places(&workflow, &known.classes)?;
        let preflight = if is_checked {
            preflight(&workflow, &known.classes, replaced, &self.loaded.provenance)
        } else {
            Preflight::default()
        };
        Ok(Fitted { workflow, files, fixed, preflight })
    }

    fn files(&self) -> Result<InputFiles, Error> {
        let Wanted { images, files, image_ids, .. } = &self.wanted;
        InputFiles::new(images.clone(), files.clone(), image_ids.as_deref())
    }

    /// Makes the workflow ready to run: checked, with its models and files on the server, its values filled in, its seeds
    /// drawn.
    ///
    /// # Errors
    /// When something does not fit, or the server is sure to refuse the workflow: before anything is sent. Or when a file
    /// or a model cannot be brought.
    pub(crate) async fn prepare(mut self, parties: Parties<'_>) -> Result<Prepared, Error> {
        let fitted = self.fit_to_server(parties).await?;
        let (mut workflow, files, classes) = (fitted.0.workflow, fitted.0.files, fitted.1.classes);
        if files.count() > 0 {
            let begun = Instant::now();
            let count = json!({"files": files.count()});
            let step = parties.reply.log("Bring the files to ComfyUI", count, json!({})).await?;
            let upload = files.upload(parties.dify, parties.server, &mut workflow);
            finish(step, begun, parties.time.before_the_run(upload).await).await?;
        }
        if self.seed.is_some() || self.wanted.randomize_seed {
            choose_seeds(&mut workflow, self.seed, &classes, &fitted.0.fixed)?;
        }
        Ok(Prepared {
            seeds: seeds(&workflow, &classes),
            workflow,
            notes: notes(&self.loaded.notices),
            doubts: fitted.0.preflight,
            parameter: self.loaded.parameter,
        })
    }

    async fn fit_to_server(&mut self, parties: Parties<'_>) -> Result<(Fitted, Known), Error> {
        let all: Vec<String> = class_types(self.workflow()).into_iter().map(str::to_owned).collect();
        let values = InputValues::new(self.wanted.inputs.as_deref(), self.workflow())?;
        let mut needed = values.classes_needed(self.workflow());
        needed.extend(self.files()?.classes_needed(self.workflow()));
        let is_needed = !needed.is_empty();
        let is_checked = all.len() <= MAX_CLASSES;
        let asked: Vec<String> = if is_checked {
            all
        } else {
            needed.extend(self.workflow().classes_with_seeds());
            needed.sort_unstable();
            needed.dedup();
            needed.into_iter().map(str::to_owned).collect()
        };
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        let mut anew = false;
        let mut no_downloader = None;
        let mut may_fetch = self.wanted.enable_download;
        loop {
            let known = parties.declared(&asked, is_needed, anew).await?;
            let Some(known) = known else {
                return Ok((self.fit(&Known::default(), &[], false)?, Known::default()));
            };
            let replaced = if is_checked { parties.replaced(self.workflow(), &known).await } else { Vec::new() };
            let fitted = match self.fit(&known, &replaced, is_checked) {
                // What is kept may be out of date.
                Err(_) if !known.is_fresh => {
                    anew = true;
                    continue;
                }
                fitted => fitted?,
            };
            if !fitted.preflight.findings.is_empty() && !known.is_fresh {
                anew = true;
                continue;
            }
            let models = can_be_fetched(&fitted.preflight);
            if may_fetch && !models.is_empty() {
                may_fetch = false;
                match fetch_models(&models, parties).await? {
                    Download::Done(names) => {
                        self.rename(&fitted.preflight, &names);
                        anew = true;
                        continue;
                    }
                    Download::NoDownloader(told) => no_downloader = Some(told),
                    Download::Nothing => {}
                }
            }
            if fitted.preflight.is_refused {
                let told = no_downloader.map(|told| format!("; {told}")).unwrap_or_default();
                return Err(Error::parameter(format!(
                    "{}: ComfyUI would refuse the workflow: {}{told}",
                    self.loaded.parameter, fitted.preflight
                )));
            }
            return Ok((fitted, known));
        }
    }
}

impl Prepared {
    /// What Dify is told when the run gives no result.
    pub(crate) fn failure(&self, error: &RunError) -> Error {
        match error {
            RunError::Client(error) => self.refusal(error),
            error => run_failure(error),
        }
    }

    /// What Dify is told when the workflow cannot be submitted, with what was found in it before.
    pub(crate) fn refusal(&self, error: &ClientError) -> Error {
        refused_workflow(error, self.parameter, &self.doubts).unwrap_or_else(|| client_failure(error))
    }
}

/// The missing models that the workflow says how to get, each once.
fn can_be_fetched(found: &Preflight) -> Vec<MissingModel> {
    let mut models: Vec<MissingModel> = Vec::new();
    for (_, model) in found.missing_models() {
        if model.url.is_some() && !models.iter().any(|known| known.name == model.name && known.url == model.url) {
            models.push(model.clone());
        }
    }
    models
}

/// Of unknown classes the check itself tells.
pub(crate) fn notes(notices: &[Notice]) -> Vec<String> {
    let told = notices.iter().filter(|notice| !matches!(notice, Notice::UnknownClass { .. }));
    told.take(MAX_NOTES).map(ToString::to_string).collect()
}

/// The most notes on a conversion.
const MAX_NOTES: usize = 50;

fn choose_seeds(
    workflow: &mut Workflow,
    seed: Option<u64>,
    classes: &comfyui::NodeClasses,
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
