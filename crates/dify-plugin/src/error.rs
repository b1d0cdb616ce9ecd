use std::borrow::Cow;

use dify_plugin_protocol::CallError;
use origin_client::is_obeyed;
use serde_json::Map;

/// Most characters of a message: it may repeat what a server said.
const MAX_MESSAGE: usize = 10_000;

/// Why a call failed, as the user reads it. No secret may be in it.
///
/// Dify shows the type and the message, of which it gets the first 10,000 characters, without those that would steer a
/// terminal or turn text round; some types it knows by name. Write one line that says what happened, where, and
/// what the user can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ErrorKind {
    Credentials,
    Parameter,
    Failed,
    Named(Cow<'static, str>),
}

/// Errors whose text Dify before 1.12 takes out of `args` and nowhere else (`api/core/plugin/impl/base.py`).
const DESCRIBED_IN_ARGS: [&str; 5] = [
    "InvokeAuthorizationError",
    "InvokeBadRequestError",
    "InvokeConnectionError",
    "InvokeRateLimitError",
    "InvokeServerUnavailableError",
];

/// On which side of Dify a call was made: names of errors and of file fields differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Tool,
    Datasource,
}

impl Error {
    /// The credentials are missing, wrong or not allowed to do this.
    pub fn credentials(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Credentials, message: message.into() }
    }

    /// A parameter has a value that cannot be used. The message names the parameter.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Parameter, message: message.into() }
    }

    /// Anything else that went wrong.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Failed, message: message.into() }
    }

    /// An error of a class-like name of the author's choice, such as `FileNotFoundError`.
    pub fn named(error_type: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Named(error_type.into()), message: message.into() }
    }

    /// The message that the user reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error as the protocol writes it. The names are those of Dify, `api/core/tools/errors.py`, and of the
    /// Python SDK, `errors/tool.py`. `args` stays empty where it can: Dify prints all of it to the user.
    pub(crate) fn into_call_error(self, surface: Surface) -> CallError {
        let error_type = match (self.kind, surface) {
            (ErrorKind::Credentials, Surface::Tool) => Cow::Borrowed("ToolProviderCredentialValidationError"),
            (ErrorKind::Credentials, Surface::Datasource) => Cow::Borrowed("DatasourceCredentialValidationError"),
            (ErrorKind::Parameter, Surface::Tool) => Cow::Borrowed("ToolParameterValidationError"),
            (ErrorKind::Parameter, Surface::Datasource) => Cow::Borrowed("ValueError"),
            (ErrorKind::Failed, Surface::Tool) => Cow::Borrowed("ToolInvokeError"),
            (ErrorKind::Failed, Surface::Datasource) => Cow::Borrowed("RuntimeError"),
            (ErrorKind::Named(name), _) => name,
        };
        let message = shown(self.message);
        let mut args = Map::new();
        if DESCRIBED_IN_ARGS.contains(&error_type.as_ref()) {
            args.insert("description".to_owned(), message.as_str().into());
        }
        CallError { error_type: error_type.into_owned(), message, args: Some(args) }
    }
}

/// The message may hold a server's words, and is read in logs and terminals too.
fn shown(message: String) -> String {
    let kept = |c: char| !is_obeyed(c) || c == '\n' || c == '\t';
    if message.len() <= MAX_MESSAGE && message.chars().all(kept) {
        return message;
    }
    let mut shown: String = message.chars().map(|c| if kept(c) { c } else { '\u{fffd}' }).take(MAX_MESSAGE).collect();
    if message.chars().nth(MAX_MESSAGE).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn dify_knows_the_names() {
        let name = |error: Error, surface| error.into_call_error(surface).error_type;
        assert_eq!(name(Error::credentials("x"), Surface::Tool), "ToolProviderCredentialValidationError");
        assert_eq!(name(Error::credentials("x"), Surface::Datasource), "DatasourceCredentialValidationError");
        assert_eq!(name(Error::parameter("x"), Surface::Tool), "ToolParameterValidationError");
        assert_eq!(name(Error::named("KeyError", "x"), Surface::Tool), "KeyError");
    }

    #[test]
    fn older_versions_of_dify_find_the_text_in_the_args() {
        let args = |name: &'static str| Error::named(name, "slow down").into_call_error(Surface::Tool).args.unwrap();
        assert_eq!(Value::from(args("InvokeRateLimitError")), json!({"description": "slow down"}));
        assert_eq!(args("ValueError"), Map::new());
    }

    #[test]
    fn what_a_server_said_is_shown_and_not_obeyed() {
        let message = |text: &str| Error::failed(text).into_call_error(Surface::Tool).message;
        assert_eq!(message("a\n\tb"), "a\n\tb");
        assert_eq!(message("\u{1b}[2J\u{202e}x\u{9b}"), "\u{fffd}[2J\u{fffd}x\u{fffd}");
        assert_eq!(message(&"é".repeat(MAX_MESSAGE)), "é".repeat(MAX_MESSAGE));
        assert_eq!(message(&"é".repeat(MAX_MESSAGE + 1)), "é".repeat(MAX_MESSAGE) + "…");
    }
}
