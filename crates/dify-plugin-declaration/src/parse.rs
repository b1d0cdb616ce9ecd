use serde::de::DeserializeOwned;

use crate::{Datasource, DatasourceProvider, Manifest, Tool, ToolProvider};

/// Why a file is not the declaration that it should be. One line, with the place in the file.
#[derive(Debug, thiserror::Error)]
#[error("this is not the YAML file of a {kind}: {problem}")]
pub struct ParseError {
    kind: &'static str,
    problem: String,
    line: Option<u64>,
}

impl ParseError {
    /// The line, counted from 1, if the problem has one.
    #[must_use]
    pub const fn line(&self) -> Option<u64> {
        self.line
    }
}

/// Reads `manifest.yaml`.
///
/// # Errors
/// [`ParseError`], also for a key that Dify does not know.
pub fn parse_manifest(yaml: &str) -> Result<Manifest, ParseError> {
    parse("manifest", yaml)
}

/// Reads the file of a provider of tools.
///
/// # Errors
/// [`ParseError`], also for a key that Dify does not know.
pub fn parse_tool_provider(yaml: &str) -> Result<ToolProvider, ParseError> {
    parse("tool provider", yaml)
}

/// Reads the file of a tool.
///
/// # Errors
/// [`ParseError`], also for a key that Dify does not know.
pub fn parse_tool(yaml: &str) -> Result<Tool, ParseError> {
    parse("tool", yaml)
}

/// Reads the file of a provider of datasources.
///
/// # Errors
/// [`ParseError`], also for a key that Dify does not know.
pub fn parse_datasource_provider(yaml: &str) -> Result<DatasourceProvider, ParseError> {
    parse("datasource provider", yaml)
}

/// Reads the file of a datasource.
///
/// # Errors
/// [`ParseError`], also for a key that Dify does not know.
pub fn parse_datasource(yaml: &str) -> Result<Datasource, ParseError> {
    parse("datasource", yaml)
}

fn parse<T: DeserializeOwned>(kind: &'static str, yaml: &str) -> Result<T, ParseError> {
    serde_saphyr::from_str(yaml).map_err(|error| ParseError {
        kind,
        problem: error.without_snippet().to_string(),
        line: error.location().map(|location| location.line()),
    })
}

#[cfg(test)]
mod tests;
