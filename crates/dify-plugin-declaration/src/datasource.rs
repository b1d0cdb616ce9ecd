use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AutoGenerate, I18nText, ParameterOption, Template};

/// A datasource (daemon, `datasource_declaration.go`: `DatasourceDeclaration`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Datasource {
    /// What it is called.
    pub identity: DatasourceIdentity,
    /// What it is for.
    pub description: I18nText,
    /// What it is given. Has to be there: remote debugging refuses null.
    pub parameters: Vec<DatasourceParameter>,
    /// JSON schema of what it gives.
    pub output_schema: Option<Map<String, Value>>,
}

/// What a [`Datasource`] is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceIdentity {
    /// Who made it.
    pub author: String,
    /// The name by which it is called.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
    /// A file in `_assets`.
    pub icon: Option<String>,
}

/// Something that a datasource is given.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DatasourceParameter {
    /// The key under which the datasource is given the value.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
    /// What it is for.
    pub description: I18nText,
    /// What kind of value it is.
    pub r#type: DatasourceParameterType,
    /// What may be chosen.
    pub scope: Option<String>,
    /// Whether it has to be filled in.
    #[serde(default)]
    pub required: bool,
    /// Lets a model write the value.
    pub auto_generate: Option<AutoGenerate>,
    /// Whether variables may be named in the value.
    pub template: Option<Template>,
    /// What it is when it is not filled in.
    pub default: Option<Value>,
    /// The least number.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// Decimal places of a number.
    pub precision: Option<u32>,
    /// Choices of a select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ParameterOption>,
}

/// Kinds of [`DatasourceParameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatasourceParameterType {
    /// A text.
    String,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of a few texts.
    Select,
    /// A text that is shown masked.
    SecretInput,
}
