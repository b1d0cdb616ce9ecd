use serde::{Deserialize, Serialize};

use crate::{I18nText, Tag};

/// `manifest.yaml`: what a plugin is, and which files declare what it offers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Three numbers and perhaps a suffix: `0.1.0`, `0.1.0-rc1`.
    pub version: String,
    /// Always `plugin`.
    pub r#type: String,
    /// Lower-case letters, digits, `_` and `-`, at most 64.
    pub author: String,
    /// Lower-case letters, digits, `_` and `-`, at most 128.
    pub name: String,
    /// What users see as the plugin's name.
    pub label: I18nText,
    /// What it is for.
    pub description: I18nText,
    /// A file in `_assets`.
    pub icon: String,
    /// The icon on a dark ground, a file in `_assets`.
    pub icon_dark: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// What it needs of the machine and of Dify.
    pub resource: Resource,
    /// Files that declare what it offers.
    pub plugins: Extensions,
    /// What it runs on.
    pub meta: Meta,
    /// Subjects.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// A file with the privacy policy.
    pub privacy: Option<String>,
    /// URL of the source.
    pub repo: Option<String>,
    /// Without effect: Dify decides.
    pub verified: Option<bool>,
}

/// What a plugin needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Bytes of memory. Nothing enforces it where plugins run locally.
    pub memory: u64,
    /// What it may call in Dify.
    #[serde(default)]
    pub permission: Permission,
}

/// What a plugin may call in Dify.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Permission {
    /// Other tools.
    pub tool: Option<Switch>,
    /// Models.
    pub model: Option<ModelPermission>,
    /// Nodes of workflows.
    pub node: Option<Switch>,
    /// Endpoints of its own.
    pub endpoint: Option<Switch>,
    /// Apps.
    pub app: Option<Switch>,
    /// Storage of its own.
    pub storage: Option<StoragePermission>,
}

/// A permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Whether it is given.
    #[serde(default)]
    pub enabled: bool,
}

/// Permission to call models, by their kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "as Dify has it")]
pub struct ModelPermission {
    /// Whether any is given.
    pub enabled: bool,
    /// Large language models.
    pub llm: bool,
    /// Text embedding.
    pub text_embedding: bool,
    /// Ranking.
    pub rerank: bool,
    /// Text to speech.
    pub tts: bool,
    /// Speech to text.
    pub speech2text: bool,
    /// Moderation.
    pub moderation: bool,
}

/// Permission to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoragePermission {
    /// Whether it is given.
    #[serde(default)]
    pub enabled: bool,
    /// Bytes, 1024 to 1 GiB.
    pub size: u64,
}

/// Files that declare what a plugin offers, relative to the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extensions {
    /// Providers of tools.
    pub tools: Vec<String>,
    /// Providers of models.
    pub models: Vec<String>,
    /// Groups of endpoints.
    pub endpoints: Vec<String>,
    /// Providers of agent strategies.
    pub agent_strategies: Vec<String>,
    /// Providers of datasources.
    pub datasources: Vec<String>,
    /// Providers of triggers.
    pub triggers: Vec<String>,
}

/// What a plugin runs on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// Version of the manifest's form.
    pub version: String,
    /// Processors.
    pub arch: Vec<Arch>,
    /// How it is started.
    pub runner: Runner,
    /// The oldest Dify it works with.
    pub minimum_dify_version: Option<String>,
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

/// How a plugin is started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    /// The language of the entrypoint.
    pub language: Language,
    /// Its version, `3.12`.
    pub version: String,
    /// The module that is run.
    pub entrypoint: String,
}

/// The only language that Dify starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python.
    Python,
}
