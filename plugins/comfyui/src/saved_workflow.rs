use comfyui::{ComfyUi, LibraryError, SavedWorkflow, Template};
use dify_plugin::{Error, I18nText, ParameterOption};

use crate::credentials::Credentials;
use crate::failure::client_failure;
use crate::servers::Servers;

/// What an id of a saved workflow begins with; its path follows.
const SAVED: &str = "saved:";
/// What an id of a template begins with; its name follows.
const TEMPLATE: &str = "template:";
/// The most of each that the list offers: all that it has is drawn by the browser. Others can be typed in.
const MAX_OFFERED: usize = 1000;

/// The text of the workflow of an id (`saved:folder/name.json`, `template:name`), or of a name alone: of a saved one,
/// else of a template.
///
/// # Errors
/// When there is none, or it is not clear which is meant. They name the parameter that the id came with.
pub(crate) async fn saved_text(
    id: &str,
    parameter: &str,
    server: &ComfyUi,
    user: Option<&str>,
) -> Result<String, Error> {
    let id = id.trim();
    let library_failure = |error: &LibraryError| library_failure(error, parameter);
    if let Some(name) = id.strip_prefix(TEMPLATE) {
        return template_text(name, server).await.map_err(|error| library_failure(&error));
    }
    if let Some(path) = id.strip_prefix(SAVED) {
        return own_text(path, server, user).await.map_err(|error| library_failure(&error));
    }
    let own = match own_text(id, server, user).await {
        Err(error @ LibraryError::NoSuchWorkflow { .. }) => error,
        other => return other.map_err(|error| library_failure(&error)),
    };
    match template_text(id, server).await {
        // Of the two the one that has a name to offer.
        Err(LibraryError::NoSuchTemplate { near, .. }) if near.is_empty() => Err(library_failure(&own)),
        other => other.map_err(|error| library_failure(&error)),
    }
}

async fn own_text(name: &str, server: &ComfyUi, user: Option<&str>) -> Result<String, LibraryError> {
    let files = server.user_data(user).await?;
    let workflows = files.workflows().await?;
    files.workflow(&workflows.find(name)?.path).await
}

async fn template_text(name: &str, server: &ComfyUi) -> Result<String, LibraryError> {
    server.template(server.templates().await?.find(name)?).await
}

/// What can be chosen for the parameter `saved_workflow`: the saved workflows, newest first, and after them the templates.
///
/// # Errors
/// When the parameter is another, or the server cannot be asked for the saved ones. Templates that cannot be had are left
/// out.
pub(crate) async fn saved_options(
    parameter: &str,
    servers: &Servers,
    credentials: &Credentials,
) -> Result<Vec<ParameterOption>, Error> {
    if parameter != "saved_workflow" {
        return Err(Error::parameter(format!("{parameter}: there is no list of choices for it")));
    }
    let (server, user) = (servers.server(credentials)?, credentials.comfyui_user.as_deref());
    let (own, templates) =
        tokio::join!(async { server.user_data(user).await?.workflows().await }, async { server.templates().await },);
    let own = own.map_err(|error| library_failure(&error, "saved_workflow"))?;
    let templates = templates.unwrap_or_else(|error| {
        tracing::warn!(%error, "the server's templates cannot be listed");
        Default::default()
    });
    let left_out = (own.workflows.len() + own.left_out).saturating_sub(MAX_OFFERED)
        + (templates.templates.len() + templates.left_out).saturating_sub(MAX_OFFERED);
    if left_out > 0 {
        tracing::info!(left_out, "workflows that are not offered can be typed in");
    }
    let own = own.workflows.iter().take(MAX_OFFERED).map(own_option);
    Ok(own.chain(templates.templates.iter().take(MAX_OFFERED).map(template_option)).collect())
}

fn own_option(workflow: &SavedWorkflow) -> ParameterOption {
    let name = workflow.path.strip_suffix(".json").unwrap_or(&workflow.path);
    let words = ["Saved: ", "已保存：", "保存済み：", "Salvo: "];
    option(format!("{SAVED}{}", workflow.path), words, name)
}

fn template_option(template: &Template) -> ParameterOption {
    let name = template.full_name();
    let title = template.title.as_deref().filter(|title| !title.is_empty()).unwrap_or(&name);
    let words = ["Template: ", "模板：", "テンプレート：", "Modelo: "];
    option(format!("{TEMPLATE}{name}"), words, title)
}

fn option(value: String, [en_us, zh_hans, ja_jp, pt_br]: [&str; 4], name: &str) -> ParameterOption {
    let label = I18nText {
        en_us: format!("{en_us}{name}"),
        zh_hans: Some(format!("{zh_hans}{name}")),
        ja_jp: Some(format!("{ja_jp}{name}")),
        pt_br: Some(format!("{pt_br}{name}")),
    };
    ParameterOption { value, label, icon: None }
}

fn library_failure(error: &LibraryError, parameter: &str) -> Error {
    match error {
        LibraryError::Client(error) => client_failure(error),
        LibraryError::UserNeeded { .. }
        | LibraryError::NoUsers
        | LibraryError::NoSuchUser { .. }
        | LibraryError::SeveralUsers { .. } => Error::credentials(format!("comfyui_user: {error}")),
        _ => Error::parameter(format!("{parameter}: {error}")),
    }
}
