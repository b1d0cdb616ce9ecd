use std::borrow::Cow;

use dify_plugin_protocol::CallError;
use serde_json::Map;

/// Why a call failed, as the user reads it. No secret may be in it.
///
/// Dify shows the type and the message; some types it knows by name. Write one line that says what happened, where, and
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
    /// Python SDK, `errors/tool.py`. `args` stays empty: Dify prints all of it to the user.
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
        CallError { error_type: error_type.into_owned(), message: self.message, args: Some(Map::new()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dify_knows_the_names() {
        let name = |error: Error, surface| error.into_call_error(surface).error_type;
        assert_eq!(name(Error::credentials("x"), Surface::Tool), "ToolProviderCredentialValidationError");
        assert_eq!(name(Error::credentials("x"), Surface::Datasource), "DatasourceCredentialValidationError");
        assert_eq!(name(Error::parameter("x"), Surface::Tool), "ToolParameterValidationError");
        assert_eq!(name(Error::named("KeyError", "x"), Surface::Tool), "KeyError");
    }
}
