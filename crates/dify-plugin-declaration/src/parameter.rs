use serde::{Deserialize, Serialize};

use crate::I18nText;

/// A choice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterOption {
    /// What the plugin is given; not empty.
    pub value: String,
    /// What users read.
    pub label: I18nText,
    /// A picture.
    pub icon: Option<String>,
}

/// Lets a model write the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AutoGenerate {
    /// What is written.
    pub r#type: AutoGenerateType,
}

/// What a model writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoGenerateType {
    /// An instruction for a model.
    PromptInstruction,
}

/// Whether variables may be named in the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// They may.
    pub enabled: bool,
}
