use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use dify_plugin_protocol::limits::ASSETS;
use serde_json::Value;

use super::rules;

/// What a plugin said of itself.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// Every line after the handshake, as it came.
    pub lines: Vec<Value>,
    /// What the manifest says.
    pub manifest: Value,
    /// The provider of tools, with the tools in it.
    pub tool_provider: Option<Value>,
    /// The provider of datasources, with the datasources in it.
    pub datasource_provider: Option<Value>,
    /// Files of `_assets` by their names.
    pub assets: BTreeMap<String, Vec<u8>>,
}

/// A registration that goes on. Each step that the daemon would refuse fails with the text that it would send; stricter
/// than the daemon where that lets through what cannot be meant.
#[derive(Debug)]
pub(super) struct Registering {
    key: String,
    is_known: bool,
    has_manifest: bool,
    asset_bytes: usize,
    registration: Registration,
}

impl Registering {
    pub(super) fn new(key: &str) -> Self {
        let key = key.to_owned();
        Self { key, is_known: false, has_manifest: false, asset_bytes: 0, registration: Registration::default() }
    }

    /// Whether the handshake is done, for which there is a deadline.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Takes a line. `Ok(true)`: it was the last one, and all is well.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<bool, String> {
        let invalid = || "handshake failed, invalid handshake message".to_owned();
        let line: Value = serde_json::from_slice(line).map_err(|_| invalid())?;
        let kind = line["type"].as_str().ok_or_else(invalid)?.to_owned();
        let data = line.get("data").filter(|data| !data.is_null()).ok_or_else(invalid)?.clone();
        if kind == "handshake" {
            return self.handshake(&data).map(|()| false);
        }
        if !self.is_known {
            return Err(format!("{kind} before the handshake"));
        }
        self.registration.lines.push(line);
        match kind.as_str() {
            "manifest_declaration" => self.manifest(data)?,
            "tool_declaration" => {
                self.after_manifest("tools")?;
                let provider = the_first("tools", self.registration.tool_provider.is_some(), &data)?;
                rules::tool_provider(&provider)
                    .map_err(|fault| format!("tools register failed, invalid tools declaration: {fault}"))?;
                self.registration.tool_provider = Some(provider);
            }
            "datasource_declaration" => {
                self.after_manifest("datasource")?;
                let provider = the_first("datasource", self.registration.datasource_provider.is_some(), &data)?;
                rules::datasource_provider(&provider).map_err(|fault| {
                    format!("datasources register failed, invalid datasources declaration: {fault}")
                })?;
                self.registration.datasource_provider = Some(provider);
            }
            "asset_chunk" => self.asset(&data)?,
            "end" => return self.end().map(|()| true),
            // The daemon passes over it.
            kind => return Err(format!("{kind} is not known")),
        }
        Ok(false)
    }

    fn handshake(&mut self, data: &Value) -> Result<(), String> {
        if self.is_known {
            return Err("handshake already completed".to_owned());
        }
        match data["key"].as_str() {
            None | Some("") => Err("handshake failed, invalid handshake message".to_owned()),
            Some(key) if key == self.key => {
                self.is_known = true;
                Ok(())
            }
            Some(_) => Err("handshake failed, invalid key".to_owned()),
        }
    }

    fn manifest(&mut self, data: Value) -> Result<(), String> {
        if self.has_manifest {
            return Err("declaration already registered".to_owned());
        }
        rules::manifest(&data).map_err(|fault| format!("handshake failed, invalid plugin declaration: {fault}"))?;
        self.has_manifest = true;
        self.registration.manifest = data;
        Ok(())
    }

    /// The daemon forgets what comes before the manifest.
    fn after_manifest(&self, kind: &str) -> Result<(), String> {
        if self.has_manifest { Ok(()) } else { Err(format!("{kind} before the manifest")) }
    }

    fn asset(&mut self, data: &Value) -> Result<(), String> {
        let failed = |reason: &str| format!("transfer assets failed, error: {reason}");
        let name = data["filename"].as_str().filter(|name| !name.is_empty()).ok_or_else(|| failed("no filename"))?;
        let base64 = data["data"].as_str().filter(|data| !data.is_empty()).ok_or_else(|| failed("no data"))?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|error| format!("assets decode failed, error: {error}"))?;
        if self.asset_bytes + base64.len() > ASSETS {
            return Err("assets too large, at most 50MB".to_owned());
        }
        self.asset_bytes += bytes.len();
        self.registration.assets.entry(name.to_owned()).or_default().extend(bytes);
        Ok(())
    }

    fn end(&self) -> Result<(), String> {
        let registration = &self.registration;
        let providers = [&registration.tool_provider, &registration.datasource_provider];
        match providers.iter().filter(|provider| provider.is_some()).count() {
            0 => return Err("no registration transferred, cannot initialize".to_owned()),
            1 => {}
            _ => {
                let text = "datasource and tool, model, endpoint, trigger, or agent_strategy cannot be provided at the \
                            same time";
                return Err(format!("register failed, invalid manifest detected: {text}"));
            }
        }
        for icon in rules::icons(registration) {
            if !registration.assets.contains_key(icon) {
                return Err(format!(
                    "assets remap failed, invalid assets data, cannot remap: file not found: {icon}\nfailed to remap"
                ));
            }
        }
        rules::names(&registration.manifest)
            .map_err(|fault| format!("register failed, invalid manifest detected: {fault}"))
    }

    pub(super) fn into_registration(self) -> Registration {
        self.registration
    }
}

/// The first provider of a list, the only one that counts. The daemon takes a longer list, and an empty one.
fn the_first(kind: &str, is_there: bool, data: &Value) -> Result<Value, String> {
    if is_there {
        return Err(format!("{kind} declaration already registered"));
    }
    match data.as_array().map(Vec::as_slice) {
        Some([provider]) => Ok(provider.clone()),
        _ => Err(format!("{kind} register failed: not a list of one provider")),
    }
}
