use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dify_plugin_host::{DifyHost, FileServer, UploadEndpoint};
use dify_plugin_protocol::{CredentialType, FetchParameterOptions, InvokeTool, ValidateCredentials};
use serde_json::{Map, Value, json};

use super::answer;
use crate::Failure;
use crate::child::PluginName;
use crate::received::Folder;
use crate::say::say;
use crate::shown::shown;

const PROVIDER: &str = "comfyui";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    credentials: Credentials,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Args)]
struct Credentials {
    /// Where the ComfyUI server is, as http://127.0.0.1:8188.
    #[arg(long, env = "COMFYUI_BASE_URL", global = true)]
    base_url: Option<String>,
    /// Sent as Bearer token.
    #[arg(long, env = "COMFYUI_API_KEY", hide_env_values = true, global = true)]
    comfyui_api_key: Option<String>,
    /// Another header that a gateway asks for, as "Name: value".
    #[arg(long, env = "COMFYUI_EXTRA_HEADER", hide_env_values = true, global = true)]
    extra_header: Option<String>,
    /// Whose saved workflows are meant, on a server that keeps its users apart.
    #[arg(long, env = "COMFYUI_USER", global = true)]
    comfyui_user: Option<String>,
    /// For models on civitai.com that the server is to download.
    #[arg(long, env = "CIVITAI_API_KEY", hide_env_values = true, global = true)]
    civitai_api_key: Option<String>,
    /// For models on huggingface.co that the server is to download.
    #[arg(long, env = "HF_TOKEN", hide_env_values = true, global = true)]
    hf_api_key: Option<String>,
    /// Given to the API nodes of a workflow.
    #[arg(long, env = "COMFY_ORG_API_KEY", hide_env_values = true, global = true)]
    api_key_comfy_org: Option<String>,
    /// A file with the certificate of a private authority, in PEM form.
    #[arg(long, global = true)]
    ca_certificate: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, global = true)]
    verify_tls: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check that the server can be reached with these credentials.
    Validate,
    /// Run a workflow, and wait for its results.
    Workflow {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        submission: Submission,
        #[command(flatten)]
        run: Run,
    },
    /// Run a workflow that is saved on the server, or one of its templates, and wait for its results.
    RunSavedWorkflow {
        /// Its name, or an id that saved-workflows printed.
        #[arg(long)]
        saved_workflow: String,
        #[command(flatten)]
        submission: Submission,
        #[command(flatten)]
        run: Run,
    },
    /// List the workflows that are saved on the server, and its templates.
    SavedWorkflows,
    /// Say what a workflow takes, makes and needs.
    DescribeWorkflow {
        #[command(flatten)]
        source: Source,
        /// The name of a workflow on the server, or an id that saved-workflows printed.
        #[arg(long)]
        saved_workflow: Option<String>,
    },
    /// Put a workflow into the server's queue, and print its prompt id.
    SubmitWorkflow {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        submission: Submission,
    },
    /// Fetch what a run has made.
    GetResult {
        /// What submit-workflow printed.
        #[arg(long)]
        prompt_id: String,
        /// How long to wait for its end, in seconds.
        #[arg(long, default_value_t = 0)]
        wait: u32,
        #[command(flatten)]
        results: Results,
    },
}

#[derive(Debug, Args)]
struct Source {
    /// The workflow in API format or as the editor saves it, or @FILE to read it from.
    #[arg(long)]
    workflow_json: Option<String>,
    /// A file that is a workflow, or that ComfyUI made with one: JSON, PNG, WebP, MP4, FLAC, …
    #[arg(long)]
    workflow_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    results: Results,
    /// How long the run may take, in seconds.
    #[arg(long, default_value_t = 570)]
    timeout: u32,
    /// Whether the server downloads models that the workflow names with their URLs and that it lacks.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    enable_download: bool,
}

#[derive(Debug, Args)]
struct Submission {
    /// Pictures for its image nodes, in order. May be given several times.
    #[arg(long, num_args = 1..)]
    images: Vec<PathBuf>,
    /// Other files: sounds, videos, 3D models, … May be given several times.
    #[arg(long, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Ids of the nodes that take the files, separated by commas, in the order of the files.
    #[arg(long)]
    image_ids: Option<String>,
    /// Values for inputs, as a JSON object from "node.input" to value, or @FILE to read it from.
    #[arg(long)]
    inputs: Option<String>,
    /// The seed of all nodes that have one.
    #[arg(long)]
    seed: Option<u64>,
    /// Whether each run gets new seeds.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    randomize_seed: bool,
}

#[derive(Debug, Args)]
struct Results {
    /// Ids or titles of the nodes whose results are wanted, separated by commas; all otherwise.
    #[arg(long)]
    output_nodes: Option<String>,
    /// Previews, too.
    #[arg(long)]
    include_previews: bool,
    /// Where the results are saved.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

pub(super) async fn run(Arguments { credentials, action }: Arguments) -> Result<(), Failure> {
    let credentials = credentials.fields()?;
    let files = FileServer::start().await?;
    match action {
        Action::Validate => {
            let plugin = PluginName::Comfyui.start(&DifyHost::builder().build()).await?;
            let fields = ValidateCredentials { user_id: String::new(), provider: PROVIDER.to_owned(), credentials };
            plugin.validate_tool_credentials(&fields).await?;
            say!("The server can be reached with these credentials.")?;
            Ok(())
        }
        Action::Workflow { source, submission, run } => {
            let mut parameters = source.parameters(&files)?;
            parameters.extend(submission.parameters(&files)?);
            parameters.extend(run.parameters());
            call("workflow", credentials, parameters, &run.results.out).await
        }
        Action::RunSavedWorkflow { saved_workflow, submission, run } => {
            let mut parameters = submission.parameters(&files)?;
            parameters.insert("saved_workflow".to_owned(), saved_workflow.into());
            parameters.extend(run.parameters());
            call("run_saved_workflow", credentials, parameters, &run.results.out).await
        }
        Action::SavedWorkflows => saved_workflows(credentials).await,
        Action::DescribeWorkflow { source, saved_workflow } => {
            let mut parameters = source.parameters(&files)?;
            parameters.insert("saved_workflow".to_owned(), saved_workflow.into());
            call("describe_workflow", credentials, parameters, Path::new(".")).await
        }
        Action::SubmitWorkflow { source, submission } => {
            let mut parameters = source.parameters(&files)?;
            parameters.extend(submission.parameters(&files)?);
            call("submit_workflow", credentials, parameters, Path::new(".")).await
        }
        Action::GetResult { prompt_id, wait, results } => {
            let mut parameters = results.parameters();
            parameters.insert("prompt_id".to_owned(), prompt_id.into());
            parameters.insert("wait".to_owned(), wait.into());
            call("get_result", credentials, parameters, &results.out).await
        }
    }
}

/// Prints the choices that the plugin offers.
async fn saved_workflows(credentials: Map<String, Value>) -> Result<(), Failure> {
    let plugin = PluginName::Comfyui.start(&DifyHost::builder().build()).await?;
    let fields = FetchParameterOptions {
        user_id: String::new(),
        provider: PROVIDER.to_owned(),
        provider_action: "run_saved_workflow".to_owned(),
        parameter: "saved_workflow".to_owned(),
        credentials,
        credential_type: CredentialType::ApiKey,
    };
    for option in plugin.fetch_parameter_options(fields).await?.options {
        say!("{}  {}", shown(&option.value), shown(&option.label.en_us))?;
    }
    Ok(())
}

async fn call(
    tool: &str,
    credentials: Map<String, Value>,
    tool_parameters: Map<String, Value>,
    out: &Path,
) -> Result<(), Failure> {
    let folder = Folder::create(out)?;
    let uploads = folder.clone();
    let uploads = UploadEndpoint::builder().files_to(move |name| uploads.upload_sink(name)).start().await?;
    let plugin = PluginName::Comfyui.start(&DifyHost::builder().uploads(uploads).build()).await?;
    let call = InvokeTool {
        user_id: String::new(),
        provider: PROVIDER.to_owned(),
        tool: tool.to_owned(),
        credentials,
        credential_type: CredentialType::ApiKey,
        tool_parameters,
    };
    answer::show(&plugin, call.into(), &folder).await
}

impl Credentials {
    fn fields(self) -> Result<Map<String, Value>, Failure> {
        let base_url = self.base_url.ok_or("say where the ComfyUI server is: --base-url or COMFYUI_BASE_URL")?;
        let ca_certificate = self.ca_certificate.map(fs::read_to_string).transpose()?;
        let fields = [
            ("base_url", Some(base_url)),
            ("comfyui_api_key", self.comfyui_api_key),
            ("extra_header", self.extra_header),
            ("comfyui_user", self.comfyui_user),
            ("civitai_api_key", self.civitai_api_key),
            ("hf_api_key", self.hf_api_key),
            ("api_key_comfy_org", self.api_key_comfy_org),
            ("ca_certificate", ca_certificate),
        ];
        let mut fields: Map<String, Value> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
        fields.insert("verify_tls".to_owned(), self.verify_tls.into());
        Ok(fields)
    }
}

impl Source {
    fn parameters(&self, files: &FileServer) -> Result<Map<String, Value>, Failure> {
        Ok(object(json!({
            "workflow_json": self.workflow_json.as_deref().map(text_or_file).transpose()?,
            "workflow_file": self.workflow_file.as_deref().map(|path| serve(files, path)).transpose()?,
        })))
    }
}

impl Run {
    fn parameters(&self) -> Map<String, Value> {
        let mut parameters = self.results.parameters();
        parameters.insert("timeout".to_owned(), self.timeout.into());
        parameters.insert("enable_download".to_owned(), self.enable_download.into());
        parameters
    }
}

impl Submission {
    fn parameters(&self, files: &FileServer) -> Result<Map<String, Value>, Failure> {
        let serve_all = |paths: &[PathBuf]| paths.iter().map(|path| serve(files, path)).collect::<Result<Vec<_>, _>>();
        let parameters = json!({
            "images": serve_all(&self.images)?,
            "files": serve_all(&self.files)?,
            "image_ids": self.image_ids,
            "inputs": self.inputs.as_deref().map(text_or_file).transpose()?,
            // As text: Dify's numbers have fewer digits than seeds.
            "seed": self.seed.map(|seed| seed.to_string()),
            "randomize_seed": self.randomize_seed,
        });
        Ok(object(parameters))
    }
}

impl Results {
    fn parameters(&self) -> Map<String, Value> {
        object(json!({"output_nodes": self.output_nodes, "include_previews": self.include_previews}))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn text_or_file(argument: &str) -> Result<String, Failure> {
    match argument.strip_prefix('@') {
        Some(file) => fs::read_to_string(file).map_err(|error| format!("{file}: {error}").into()),
        None => Ok(argument.to_owned()),
    }
}

/// Offers a local file to the plugin as Dify offers one.
fn serve(files: &FileServer, path: &Path) -> Result<Value, Failure> {
    let content = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let media_type = mime_guess::from_path(path).first_or_octet_stream();
    Ok(files.parameter_json(&files.add(name, media_type.essence_str(), content)))
}
