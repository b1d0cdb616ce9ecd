use serde::{Deserialize, Serialize};

use crate::credential::credentials;
use crate::{Credential, I18nText, OAuthSchema, Tag};

/// Tools that share credentials (daemon, `tool_declaration.go`: `ToolProviderDeclaration`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolProvider {
    /// What it is called.
    pub identity: ToolProviderIdentity,
    /// What users fill in. Also read as `credentials_schema`.
    #[serde(rename(deserialize = "credentials_for_provider"), alias = "credentials_schema", default)]
    #[serde(deserialize_with = "credentials")]
    pub credentials_schema: Vec<Credential>,
    /// The other way to credentials.
    pub oauth_schema: Option<OAuthSchema>,
    /// Files that declare the tools, relative to the manifest.
    pub tools: Vec<String>,
}

/// What a [`ToolProvider`] is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolProviderIdentity {
    /// Who made it.
    pub author: String,
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
    /// What it is for.
    pub description: I18nText,
    /// A file in `_assets`.
    pub icon: String,
    /// The icon on a dark ground, a file in `_assets`.
    pub icon_dark: Option<String>,
    /// Subjects.
    #[serde(default)]
    pub tags: Vec<Tag>,
}
