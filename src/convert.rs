//! `oxidify convert`: a workflow of ComfyUI's editor as the prompt that a server runs.

use std::fs;
use std::io::{Read, stdin};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfyui::{
    ComfyUi, Connections, Conversion, ConvertOptions, Credentials, LocalTime, NodeDefinitions, ServerAddress,
    UiWorkflow, Workflow, WorkflowFile, convert,
};

use crate::Failure;
use crate::say::{complain, say};
use crate::shown::shown;

/// What a shell is told when there is no prompt that does what the editor's would.
const NOT_FAITHFUL: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The workflow as the editor saves it, or - for standard input. One in API format is printed as it is.
    workflow: PathBuf,
    /// What the server declares of its node classes: a file with the answer of /object_info, or the server's address.
    #[arg(long, value_name = "FILE|URL")]
    object_info: String,
    /// Sent as Bearer token to that server.
    #[arg(long, env = "COMFYUI_API_KEY", hide_env_values = true)]
    comfyui_api_key: Option<String>,
    /// Print the prompt with line breaks.
    #[arg(long)]
    pretty: bool,
    /// What the choices of dynamic prompts ({a|b}) are drawn from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let workflow = match WorkflowFile::detect(&read_workflow(&arguments)?) {
        Ok(WorkflowFile::Api(workflow)) => {
            print(&workflow, arguments.pretty)?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(WorkflowFile::Ui(workflow)) => workflow,
        Err(error) => return Ok(refused(&error)),
    };
    let definitions = definitions(&arguments, &workflow).await?;
    let options = ConvertOptions { now: now()?, seed: arguments.seed };
    let conversion = match convert(&workflow, &definitions, &options) {
        Ok(conversion) => conversion,
        Err(error) => return Ok(refused(&error)),
    };
    for notice in &conversion.notices {
        complain!("oxidify: {}", shown(&notice.to_string()));
    }
    print(&conversion.prompt, arguments.pretty)?;
    Ok(verdict(&conversion))
}

fn verdict(conversion: &Conversion) -> ExitCode {
    if conversion.is_runnable() {
        return ExitCode::SUCCESS;
    }
    complain!("oxidify: the server will refuse this prompt: it does not know all of its nodes");
    ExitCode::from(NOT_FAITHFUL)
}

fn refused(error: &dyn std::error::Error) -> ExitCode {
    complain!("oxidify: {}", shown(&error.to_string()));
    ExitCode::from(NOT_FAITHFUL)
}

fn read_workflow(arguments: &Arguments) -> Result<String, Failure> {
    let path = &arguments.workflow;
    if path.as_os_str() == "-" {
        let mut text = String::new();
        stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

async fn definitions(arguments: &Arguments, workflow: &UiWorkflow) -> Result<NodeDefinitions, Failure> {
    let source = &arguments.object_info;
    if !source.starts_with("http://") && !source.starts_with("https://") {
        let json = fs::read(source).map_err(|error| format!("{source}: {error}"))?;
        return NodeDefinitions::from_json(&json).map_err(|error| format!("{source}: {error}").into());
    }
    let base = source.trim_end_matches('/');
    let base = base.strip_suffix("/object_info").unwrap_or(base);
    let key = arguments.comfyui_api_key.clone().unwrap_or_default();
    let credentials = Credentials::default().with_bearer(&key.into());
    let server = ComfyUi::new(ServerAddress::parse(base)?, credentials, &Connections::new()?)?;
    Ok(server.node_definitions_of(&workflow.node_types()).await?)
}

fn print(workflow: &Workflow, pretty: bool) -> Result<(), Failure> {
    let json = if pretty { serde_json::to_string_pretty(workflow)? } else { serde_json::to_string(workflow)? };
    say!("{json}")?;
    Ok(())
}

/// The time in UTC: nothing else is known everywhere that this runs.
fn now() -> Result<LocalTime, Failure> {
    let now = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now());
    let time = LocalTime {
        year: now.year().try_into()?,
        month: now.month().try_into()?,
        day: now.day().try_into()?,
        hour: now.hour().try_into()?,
        minute: now.minute().try_into()?,
        second: now.second().try_into()?,
    };
    Ok(time)
}
