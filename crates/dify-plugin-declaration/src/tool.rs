use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AutoGenerate, I18nText, ParameterOption, Template};

/// A tool (daemon, `tool_declaration.go`: `ToolDeclaration`).
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// What it is called.
    pub identity: ToolIdentity,
    /// What it does.
    pub description: ToolDescription,
    /// What it is given.
    #[serde(default)]
    pub parameters: Vec<ToolParameter>,
    /// JSON schema of the variables that it gives, besides text, JSON and files.
    pub output_schema: Option<Map<String, Value>>,
    /// Whether the plugin is asked for further parameters.
    #[serde(default)]
    pub has_runtime_parameters: bool,
}

/// What a [`Tool`] is called.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolIdentity {
    /// Who made it.
    pub author: String,
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
}

/// What a [`Tool`] does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolDescription {
    /// For users.
    pub human: I18nText,
    /// For models.
    pub llm: String,
}

/// Something that a tool is given.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ToolParameter {
    /// The key under which the tool is given the value.
    pub name: String,
    /// What users see as its name.
    pub label: I18nText,
    /// What it is for, for users.
    pub human_description: I18nText,
    /// What kind of value it is.
    pub r#type: ToolParameterType,
    /// What may be chosen, for selectors and `any`.
    pub scope: Option<String>,
    /// Who fills it in.
    pub form: ToolParameterForm,
    /// What it is for, for models.
    #[serde(default)]
    pub llm_description: String,
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
    /// Whether several may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// Decimal places of a number.
    pub precision: Option<u32>,
    /// Choices of a select.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ParameterOption>,
}

/// Kinds of [`ToolParameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolParameterType {
    /// A text.
    String,
    /// A number, with or without a fraction.
    Number,
    /// Yes or no.
    Boolean,
    /// One of a few texts, or several where `multiple` says so.
    Select,
    /// A text that is shown masked.
    SecretInput,
    /// A file.
    File,
    /// A list of files.
    Files,
    /// An app.
    AppSelector,
    /// A model.
    ModelSelector,
    /// Anything.
    Any,
    /// One of a few texts that the plugin is asked for.
    DynamicSelect,
    /// A list.
    Array,
    /// An object.
    Object,
    /// A box to tick.
    Checkbox,
    /// A day.
    Date,
    /// Two days.
    DateRange,
}

/// Who fills in a [`ToolParameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolParameterForm {
    /// The author of the plugin.
    Schema,
    /// The user, in the node's form.
    Form,
    /// The model, or a variable of the workflow.
    Llm,
}
