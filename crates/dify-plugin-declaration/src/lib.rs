#![doc = include_str!("../README.md")]

mod agreement;
mod credential;
mod datasource;
mod datasource_provider;
mod embed;
mod i18n_text;
mod manifest;
mod parameter;
mod parse;
mod place_in_file;
mod registration;
mod tag;
mod texts;
mod tool;
mod tool_provider;

pub use agreement::{check_credentials, check_parameters};
pub use credential::{Credential, CredentialType, OAuthSchema};
pub use datasource::{Datasource, DatasourceIdentity, DatasourceParameter, DatasourceParameterType};
pub use datasource_provider::{DatasourceProvider, DatasourceProviderIdentity, DatasourceProviderType};
pub use embed::{embed, embed_folder};
pub use i18n_text::I18nText;
pub use manifest::{
    Arch, Extensions, Language, Manifest, Meta, ModelPermission, Permission, Resource, Runner, StoragePermission,
    Switch,
};
pub use parameter::{AutoGenerate, AutoGenerateType, ParameterOption, Template};
pub use parse::{
    ParseError, parse_datasource, parse_datasource_provider, parse_manifest, parse_tool, parse_tool_provider,
};
pub use place_in_file::line_of;
pub use registration::{Registration, RegistrationError};
pub use tag::Tag;
pub use texts::{TextFault, Texts, check_texts};
pub use tool::{Tool, ToolDescription, ToolIdentity, ToolParameter, ToolParameterForm, ToolParameterType};
pub use tool_provider::{ToolProvider, ToolProviderIdentity};
