//! From the client's errors to those that Dify shows.

use comfyui::{ClientError, ComfyUi, Preflight, RunError, TransportFailure};
use dify_plugin::Error;

/// What Dify is told when a call to the server fails.
pub(crate) fn client_failure(error: &ClientError) -> Error {
    match error {
        ClientError::TwoCredentials
        | ClientError::KeyNotSendable
        | ClientError::HeaderNotSendable { .. }
        | ClientError::AccessRefused { .. } => Error::credentials(error.to_string()),
        // What is wrong with which node: the user's to put right.
        ClientError::Rejected(rejection) => Error::parameter(format!("workflow_json: {rejection}")),
        _ => Error::failed(error.to_string()),
    }
}

/// What Dify is told when the server refuses a workflow: the parameter that it came with, and what was found in it before.
/// `None` for any other error.
pub(crate) fn refused_workflow(error: &ClientError, parameter: &str, found: &Preflight) -> Option<Error> {
    let ClientError::Rejected(rejection) = error else { return None };
    let known = rejection.to_string();
    // What the server says itself needs not be said again.
    let more = if found.missing_models().next().is_some() { format!(". {found}") } else { String::new() };
    Some(Error::parameter(format!("{parameter}: {known}{more}")))
}

/// What Dify is told when a call fails after the run has begun: the server was there, so it is not told how to reach it.
pub(crate) fn failure_after_start(error: &ClientError) -> Error {
    Error::failed(error.brief())
}

/// What Dify is told when a run gives no result.
pub(crate) fn run_failure(error: &RunError) -> Error {
    match error {
        RunError::Client(error) => client_failure(error),
        RunError::DeadlinePassed { .. } => Error::failed(format!(
            "{error}. Give it more time (timeout; Dify itself ends a call after 600 s, unless \
                 PLUGIN_MAX_EXECUTION_TIMEOUT says otherwise), or use the tools to submit the workflow now and to get its \
                 result later"
        )),
        _ => Error::failed(error.to_string()),
    }
}

/// Why the credentials cannot be saved.
pub(crate) fn unusable_server(server: &ComfyUi, error: &ClientError) -> Error {
    let base = server.address().base();
    Error::credentials(match error {
        // It names the server itself.
        ClientError::Transport { error: transport, .. } => {
            let advice = match &transport.failure {
                TransportFailure::UnknownHost => "; check the name in the server URL (base_url)",
                TransportFailure::Tls(_) => {
                    "; if the server's certificate comes from an authority of your own, enter that authority's certificate \
                     (ca_certificate)"
                }
                _ => "",
            };
            format!("ComfyUI cannot be reached: {error}{advice}")
        }
        // ComfyUI's own answer to an Origin it does not know has no body; those of gateways have one.
        ClientError::AccessRefused { status: 403, excerpt, .. } if excerpt.is_empty() => format!(
            "{base} refuses access (HTTP 403, without a word): the key is wrong (comfyui_api_key), or something on the way \
             adds an Origin header, which ComfyUI refuses unless it was started with --enable-cors-header"
        ),
        ClientError::AccessRefused { .. } => {
            format!("{base} asks for another API key, or for one at all (comfyui_api_key): {error}")
        }
        ClientError::Status { status: 502..=504, .. } => {
            format!("the gateway at {base} cannot reach ComfyUI behind it: {error}")
        }
        ClientError::NotComfyUi { .. } | ClientError::UnexpectedShape { .. } | ClientError::Status { .. } => {
            format!("what answers at {base} is not ComfyUI: {error}")
        }
        _ => format!("{base}: {error}"),
    })
}
