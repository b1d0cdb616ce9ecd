//! What a call asks a plugin to do, as far as the answer depends on it.

/// A type and an action of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// `tool` / `validate_tool_credentials`.
    ValidateToolCredentials,
    /// `tool` / `invoke_tool`.
    InvokeTool,
    /// `dynamic_parameter` / `fetch_parameter_options`.
    FetchParameterOptions,
    /// `datasource` / `validate_datasource_credentials`.
    ValidateDatasourceCredentials,
    /// `datasource` / `invoke_online_drive_browse_files`.
    BrowseFiles,
    /// `datasource` / `invoke_online_drive_download_file`.
    DownloadFile,
    /// Another one. What the daemon checks of its answer is checked if it is an action of Dify.
    Other {
        /// `type` of the request.
        kind: String,
        /// `action` of the request.
        action: String,
    },
}

impl Action {
    /// The action of that type and name.
    #[must_use]
    pub fn named(kind: &str, action: &str) -> Self {
        let known = [
            Self::ValidateToolCredentials,
            Self::InvokeTool,
            Self::FetchParameterOptions,
            Self::ValidateDatasourceCredentials,
            Self::BrowseFiles,
            Self::DownloadFile,
        ];
        let found = known.into_iter().find(|known| known.kind() == kind && known.name() == action);
        found.unwrap_or_else(|| Self::Other { kind: kind.to_owned(), action: action.to_owned() })
    }

    /// `type` of the request.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::ValidateToolCredentials | Self::InvokeTool => "tool",
            Self::FetchParameterOptions => "dynamic_parameter",
            Self::ValidateDatasourceCredentials | Self::BrowseFiles | Self::DownloadFile => "datasource",
            Self::Other { kind, .. } => kind,
        }
    }

    /// `action` of the request.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ValidateToolCredentials => "validate_tool_credentials",
            Self::InvokeTool => "invoke_tool",
            Self::FetchParameterOptions => "fetch_parameter_options",
            Self::ValidateDatasourceCredentials => "validate_datasource_credentials",
            Self::BrowseFiles => "invoke_online_drive_browse_files",
            Self::DownloadFile => "invoke_online_drive_download_file",
            Self::Other { action, .. } => action,
        }
    }

    /// How many items of an answer the daemon keeps before it stops reading the plugin's output
    /// (dify-plugin-daemon, `internal/core/io_tunnel/*.gen.go`).
    pub(crate) const fn buffer(&self) -> usize {
        if matches!(self, Self::InvokeTool) { 1024 } else { 1 }
    }
}
