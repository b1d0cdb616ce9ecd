use serde::{Deserialize, Serialize};

use crate::credential::credentials;
use crate::{Credential, I18nText, OAuthSchema, Tag};

/// Datasources that share credentials (daemon, `datasource_declaration.go`: `DatasourceProviderDeclaration`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceProvider {
    /// What it is called.
    pub identity: DatasourceProviderIdentity,
    /// What users fill in.
    #[serde(default, deserialize_with = "credentials")]
    pub credentials_schema: Vec<Credential>,
    /// The other way to credentials.
    pub oauth_schema: Option<OAuthSchema>,
    /// What its datasources are like.
    pub provider_type: DatasourceProviderType,
    /// Files that declare the datasources, relative to the manifest.
    pub datasources: Vec<String>,
}

/// What a [`DatasourceProvider`] is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceProviderIdentity {
    /// Who made it.
    pub author: String,
    /// The name by which it is called.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
    /// What it is for.
    pub description: I18nText,
    /// A file in `_assets`.
    pub icon: String,
    /// Subjects.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// What datasources are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasourceProviderType {
    /// Pages of web sites.
    WebsiteCrawl,
    /// Documents of a service.
    OnlineDocument,
    /// Folders and files.
    OnlineDrive,
}
