use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use dify_plugin_host::{DifyHost, FileServer, UploadEndpoint};
use dify_plugin_protocol::{CredentialType, InvokeTool, ValidateCredentials};
use serde_json::{Map, Value, json};

use super::answer;
use crate::Failure;
use crate::child::PluginName;
use crate::received::Folder;

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
    /// Given to the API nodes of a workflow.
    #[arg(long, env = "COMFY_ORG_API_KEY", hide_env_values = true, global = true)]
    api_key_comfy_org: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check that the server can be reached with these credentials.
    Validate,
    /// Run a workflow.
    Workflow(Workflow),
}

#[derive(Debug, Args)]
struct Workflow {
    /// The workflow in API format, or @FILE to read it from.
    #[arg(long)]
    workflow_json: String,
    /// Pictures for its image nodes, in order. May be given several times.
    #[arg(long, num_args = 1..)]
    images: Vec<PathBuf>,
    /// Ids of the image nodes, separated by commas, in the order of the pictures.
    #[arg(long)]
    image_ids: Option<String>,
    /// Whether each run gets new seeds.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    randomize_seed: bool,
    /// Where its results are saved.
    #[arg(long, default_value = ".")]
    out: PathBuf,
}

pub(super) async fn run(Arguments { credentials, action }: Arguments) -> Result<(), Failure> {
    let credentials = credentials.fields()?;
    match action {
        Action::Validate => {
            let plugin = PluginName::Comfyui.start(&DifyHost::builder().build()).await?;
            let fields = ValidateCredentials { user_id: String::new(), provider: PROVIDER.to_owned(), credentials };
            plugin.validate_tool_credentials(&fields).await?;
            println!("The server can be reached with these credentials.");
            Ok(())
        }
        Action::Workflow(workflow) => workflow.run(credentials).await,
    }
}

impl Credentials {
    fn fields(self) -> Result<Map<String, Value>, Failure> {
        let base_url = self.base_url.ok_or("say where the ComfyUI server is: --base-url or COMFYUI_BASE_URL")?;
        let fields = [
            ("base_url", Some(base_url)),
            ("comfyui_api_key", self.comfyui_api_key),
            ("api_key_comfy_org", self.api_key_comfy_org),
        ];
        Ok(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect())
    }
}

impl Workflow {
    async fn run(self, credentials: Map<String, Value>) -> Result<(), Failure> {
        let folder = Folder::create(&self.out)?;
        let uploads = folder.clone();
        let uploads = UploadEndpoint::builder().files_to(move |name| uploads.upload_sink(name)).start().await?;
        let dify = DifyHost::builder().uploads(uploads).build();
        let files = FileServer::start().await?;
        let images = self.images.iter().map(|path| serve(&files, path)).collect::<Result<Vec<Value>, _>>()?;
        let mut parameters = Map::new();
        parameters.insert("workflow_json".to_owned(), text_or_file(&self.workflow_json)?.into());
        parameters.insert("images".to_owned(), images.into());
        parameters.insert("image_ids".to_owned(), json!(self.image_ids));
        parameters.insert("randomize_seed".to_owned(), self.randomize_seed.into());
        let call = InvokeTool {
            user_id: String::new(),
            provider: PROVIDER.to_owned(),
            tool: "workflow".to_owned(),
            credentials,
            credential_type: CredentialType::ApiKey,
            tool_parameters: parameters,
        };
        let plugin = PluginName::Comfyui.start(&dify).await?;
        answer::show(&plugin, call.into(), &folder).await
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
