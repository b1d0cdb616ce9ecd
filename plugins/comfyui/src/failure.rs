//! From the client's errors to those that Dify shows.

use comfyui::{ClientError, ComfyUi, RunError};
use dify_plugin::Error;

/// What Dify is told when a call to the server fails.
pub(crate) fn client_failure(error: &ClientError) -> Error {
    match error {
        ClientError::TwoCredentials | ClientError::KeyNotSendable | ClientError::AccessRefused { .. } => {
            Error::credentials(error.to_string())
        }
        // What is wrong with which node: the user's to put right.
        ClientError::Rejected(rejection) => Error::parameter(format!("workflow_json: {rejection}")),
        _ => Error::failed(error.to_string()),
    }
}

/// What Dify is told when a run gives no result.
pub(crate) fn run_failure(error: &RunError) -> Error {
    match error {
        RunError::Client(error) => client_failure(error),
        RunError::DeadlinePassed { .. } => {
            Error::failed(format!("{error}. Dify ends a call after 600 s: make the workflow shorter, or the queue"))
        }
        _ => Error::failed(error.to_string()),
    }
}

/// Why the credentials cannot be saved.
pub(crate) fn unusable_server(server: &ComfyUi, error: &ClientError) -> Error {
    let base = server.address().base();
    Error::credentials(match error {
        // It names the server itself.
        ClientError::Transport { .. } => format!("ComfyUI cannot be reached: {error}"),
        ClientError::AccessRefused { .. } => {
            format!("{base} asks for another API key, or for one at all (comfyui_api_key): {error}")
        }
        ClientError::NotComfyUi { .. } | ClientError::UnexpectedShape { .. } | ClientError::Status { .. } => {
            format!("what answers at {base} is not ComfyUI: {error}")
        }
        ClientError::WebSocket { .. } => format!(
            "{base} answers over HTTP, but its WebSocket at /ws cannot be opened, which a gateway in front of ComfyUI \
             has to let through: {error}"
        ),
        _ => format!("{base}: {error}"),
    })
}
