//! What a plugin says of itself to the daemon's debugging server, made of its YAML files
//! (Python SDK, `plugin.py`: `_initialize_tcp_stream`).

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dify_plugin_protocol::limits::{ASSET_CHUNK, ASSETS};
use dify_plugin_protocol::{AssetChunk, EmptyObject, RegistrationLine};
use serde::Serialize;
use serde_json::Value;

use crate::{
    Manifest, ParseError, parse_datasource, parse_datasource_provider, parse_manifest, parse_tool, parse_tool_provider,
};

const MANIFEST: &str = "manifest.yaml";
const ASSET_FOLDER: &str = "_assets/";

/// A plugin as the daemon's debugging server is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// As the manifest has it.
    pub name: String,
    /// As the manifest has it.
    pub version: String,
    /// Everything but the handshake, which needs the key: manifest, providers, assets, end.
    pub lines: Vec<RegistrationLine>,
}

/// Why files make no [`Registration`]. One line, with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// A file that is named and is not there.
    #[error("{0} is named and is not there")]
    Missing(String),
    /// A file that is not text.
    #[error("{0} is not UTF-8")]
    NotText(String),
    /// A file that is not the declaration that it should be.
    #[error("{file}: {error}")]
    Parse {
        /// The file.
        file: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// The daemon takes one provider of a kind.
    #[error("manifest.yaml: {count} providers of {kind}, of which the daemon takes the last only")]
    SeveralProviders {
        /// `tools` or `datasources`.
        kind: &'static str,
        /// How many there are.
        count: usize,
    },
    /// Something that this SDK does not offer.
    #[error("manifest.yaml: {0} are not offered by this SDK")]
    NotOffered(&'static str),
    /// More than the daemon takes.
    #[error("the files in _assets have {bytes} bytes; the daemon takes {ASSETS}")]
    AssetsTooLarge {
        /// Of all files together.
        bytes: usize,
    },
    /// A value that JSON cannot hold, such as an infinite number.
    #[error("{file} cannot be written as JSON: {error}")]
    NotJson {
        /// The file.
        file: String,
        /// Why.
        error: serde_json::Error,
    },
}

impl Registration {
    /// Of the files of a plugin's folder, by their paths with `/`. Those that the manifest does not lead to and that are
    /// no assets are passed over.
    ///
    /// # Errors
    /// [`RegistrationError`].
    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, RegistrationError> {
        let source = Source(files);
        let manifest: Manifest = source.parse(MANIFEST, parse_manifest)?;
        let mut lines = vec![RegistrationLine::ManifestDeclaration(json(MANIFEST, &manifest)?)];
        let plugins = &manifest.plugins;
        for (kind, paths) in [
            ("models", &plugins.models),
            ("endpoints", &plugins.endpoints),
            ("agent strategies", &plugins.agent_strategies),
            ("triggers", &plugins.triggers),
        ] {
            if !paths.is_empty() {
                return Err(RegistrationError::NotOffered(kind));
            }
        }
        if let Some(path) = the_provider("tools", &plugins.tools)? {
            let provider = source.parse(path, parse_tool_provider)?;
            let tools = provider.tools.iter().map(|path| json(path, &source.parse(path, parse_tool)?));
            let provider = with(json(path, &provider)?, "tools", tools.collect::<Result<_, _>>()?);
            lines.push(RegistrationLine::ToolDeclaration(vec![provider]));
        }
        if let Some(path) = the_provider("datasources", &plugins.datasources)? {
            let provider = source.parse(path, parse_datasource_provider)?;
            let datasources =
                provider.datasources.iter().map(|path| json(path, &source.parse(path, parse_datasource)?));
            let provider = with(json(path, &provider)?, "datasources", datasources.collect::<Result<_, _>>()?);
            lines.push(RegistrationLine::DatasourceDeclaration(vec![provider]));
        }
        lines.extend(source.assets()?);
        lines.push(RegistrationLine::End(EmptyObject {}));
        Ok(Self { name: manifest.name, version: manifest.version, lines })
    }

    /// The lines as they are sent, each with its newline.
    #[must_use]
    pub fn text(&self) -> String {
        // What is made of values alone, with texts for keys, can always be written.
        self.lines.iter().filter_map(|line| serde_json::to_string(line).ok()).map(|line| line + "\n").collect()
    }
}

struct Source<'a>(&'a BTreeMap<String, Vec<u8>>);

impl Source<'_> {
    fn parse<T>(&self, file: &str, parse: impl Fn(&str) -> Result<T, ParseError>) -> Result<T, RegistrationError> {
        let bytes = self.0.get(file).ok_or_else(|| RegistrationError::Missing(file.to_owned()))?;
        let text = std::str::from_utf8(bytes).map_err(|_| RegistrationError::NotText(file.to_owned()))?;
        parse(text).map_err(|error| RegistrationError::Parse { file: file.to_owned(), error })
    }

    /// The chunks of all assets. Empty files are left out: the daemon refuses a chunk without bytes.
    fn assets(&self) -> Result<Vec<RegistrationLine>, RegistrationError> {
        let assets = self.0.iter().filter_map(|(path, bytes)| Some((path.strip_prefix(ASSET_FOLDER)?, bytes)));
        let mut lines = Vec::new();
        let mut total = 0;
        for (name, bytes) in assets {
            total += bytes.len();
            let count = bytes.len().div_ceil(ASSET_CHUNK);
            lines.extend(bytes.chunks(ASSET_CHUNK).enumerate().map(|(i, chunk)| {
                let data = BASE64_STANDARD.encode(chunk);
                RegistrationLine::AssetChunk(AssetChunk { filename: name.to_owned(), data, end: i + 1 == count })
            }));
        }
        if total > ASSETS {
            return Err(RegistrationError::AssetsTooLarge { bytes: total });
        }
        Ok(lines)
    }
}

fn the_provider<'a>(kind: &'static str, paths: &'a [String]) -> Result<Option<&'a str>, RegistrationError> {
    match paths {
        [] => Ok(None),
        [path] => Ok(Some(path)),
        paths => Err(RegistrationError::SeveralProviders { kind, count: paths.len() }),
    }
}

fn json(file: &str, declaration: &impl Serialize) -> Result<Value, RegistrationError> {
    serde_json::to_value(declaration).map_err(|error| RegistrationError::NotJson { file: file.to_owned(), error })
}

/// `provider` with the declarations themselves where it names their files.
fn with(mut provider: Value, key: &str, declarations: Vec<Value>) -> Value {
    if let Some(provider) = provider.as_object_mut() {
        provider.insert(key.to_owned(), Value::Array(declarations));
    }
    provider
}

#[cfg(test)]
mod tests;
