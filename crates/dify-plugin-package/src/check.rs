//! What the daemon checks when a package is uploaded or installed, and what we check beyond it
//! (dify-plugin-daemon, `pkg/plugin_packager/decoder/helper.go`, `pkg/entities/plugin_entities/plugin_declaration.go`).

use std::collections::BTreeMap;
use std::fmt;

use dify_plugin_declaration::{
    ParseError, Texts, check_texts, line_of, parse_datasource, parse_datasource_provider, parse_manifest, parse_tool,
    parse_tool_provider,
};
use jiff::Timestamp;

use crate::{Arch, Needs};

/// Most bytes of all files together (`MAX_PLUGIN_PACKAGE_SIZE` of the daemon).
const MAX_UNPACKED: usize = 52_428_800;

/// Most bytes of a path in the manifest, and of an icon's name.
const MAX_PATH: usize = 128;

/// Languages in which a user may read the README, besides English.
const README_LANGUAGES: [&str; 3] = ["zh_Hans", "ja_JP", "pt_BR"];

/// Something that is wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, by its path in the package.
    pub file: String,
    /// The line in it, counted from 1, of a YAML file.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn declaration(files: &Files, name: &str, version: &str) -> Vec<Fault> {
    let mut checker = Checker { files, faults: Vec::new() };
    checker.manifest(name, version);
    checker.faults
}

pub(crate) fn executables(executables: &BTreeMap<Arch, Vec<u8>>) -> Vec<Fault> {
    if executables.is_empty() {
        return vec![Fault::new("bin/", "there is no executable")];
    }
    let mut faults = Vec::new();
    for (arch, bytes) in executables {
        match Needs::of(bytes, *arch) {
            Ok(needs) => faults.extend(needs.uncommon_libraries().map(|library| {
                Fault::new("bin/", format!("the executable for {} needs {library}, which Dify has not", arch.name()))
            })),
            Err(problem) => faults.push(Fault::new("bin/", problem)),
        }
    }
    faults
}

pub(crate) fn sizes(files: &Files) -> Vec<Fault> {
    let total: usize = files.values().map(Vec::len).sum();
    if total <= MAX_UNPACKED {
        return Vec::new();
    }
    vec![Fault::new("bin/", format!("the package unpacks to {total} bytes; the daemon takes {MAX_UNPACKED}"))]
}

struct Checker<'a> {
    files: &'a Files,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, file: &str, message: impl Into<String>) {
        self.faults.push(Fault::new(file, message));
    }

    /// A fault of what a YAML file says at a place.
    fn fault_at(&mut self, file: &str, place: &str, message: impl Into<String>) {
        let yaml = self.files.get(file).map(|bytes| String::from_utf8_lossy(bytes));
        let line = yaml.and_then(|yaml| line_of(&yaml, place));
        self.faults.push(Fault { line, ..Fault::new(file, message) });
    }

    fn text(&mut self, file: &str) -> Option<String> {
        let Some(bytes) = self.files.get(file) else {
            self.fault(file, "is named and is not there");
            return None;
        };
        match String::from_utf8(bytes.clone()) {
            Ok(text) => Some(text),
            Err(_) => {
                self.fault(file, "is not UTF-8");
                None
            }
        }
    }

    /// Parses a file, and checks that each of its texts is there in four languages.
    fn parse<T: Texts>(&mut self, file: &str, parse: impl Fn(&str) -> Result<T, ParseError>) -> Option<T> {
        let text = self.text(file)?;
        match parse(&text) {
            Ok(parsed) => {
                for fault in check_texts(&parsed) {
                    self.fault_at(file, &fault.place, fault.to_string());
                }
                Some(parsed)
            }
            Err(error) => {
                let line = error.line().and_then(|line| usize::try_from(line).ok());
                self.faults.push(Fault { line, ..Fault::new(file, error.to_string()) });
                None
            }
        }
    }

    fn manifest(&mut self, name: &str, version: &str) {
        const FILE: &str = "manifest.yaml";
        let Some(manifest) = self.parse(FILE, parse_manifest) else { return };
        if manifest.name != name {
            self.fault_at(FILE, "name", format!("the name is {} and should be {name}", manifest.name));
        }
        if manifest.version != version {
            self.fault_at(FILE, "version", format!("the version is {} and should be {version}", manifest.version));
        }
        if manifest.r#type != "plugin" {
            self.fault_at(FILE, "type", "type must be plugin");
        }
        self.identifier(FILE, "author", &manifest.author, 64);
        self.identifier(FILE, "name", &manifest.name, 128);
        for (field, version) in [("version", &manifest.version), ("meta.version", &manifest.meta.version)] {
            if !is_version(version) {
                let message = format!("{field} must be three numbers and perhaps a suffix, as 0.1.0-rc1");
                self.fault_at(FILE, field, message);
            }
        }
        if manifest.created_at.parse::<Timestamp>().is_err() {
            self.fault_at(FILE, "created_at", "created_at must be a time, as 2026-01-31T12:00:00Z");
        }
        self.icon(FILE, "icon", Some(&manifest.icon));
        self.icon(FILE, "icon_dark", manifest.icon_dark.as_ref());
        if let Some(privacy) = &manifest.privacy {
            let file = privacy.trim_start_matches("./").to_owned();
            let _ = self.text(&file);
        }
        let _ = self.text("README.md");
        for language in README_LANGUAGES {
            let _ = self.text(&format!("readme/README_{language}.md"));
        }
        if manifest.plugins.tools.is_empty() == manifest.plugins.datasources.is_empty() {
            self.fault_at(FILE, "plugins", "plugins must name either tools or datasources");
        }
        for path in manifest.plugins.tools.iter().chain(&manifest.plugins.datasources) {
            if path.len() > MAX_PATH {
                self.fault_at(FILE, "plugins", format!("a path has more than {MAX_PATH} bytes: {path}"));
            }
        }
        for provider in &manifest.plugins.tools {
            self.tool_provider(provider);
        }
        for provider in &manifest.plugins.datasources {
            self.datasource_provider(provider);
        }
    }

    fn tool_provider(&mut self, file: &str) {
        let Some(provider) = self.parse(file, parse_tool_provider) else { return };
        self.icon(file, "identity.icon", Some(&provider.identity.icon));
        self.icon(file, "identity.icon_dark", provider.identity.icon_dark.as_ref());
        for tool in &provider.tools {
            self.parse(tool, parse_tool);
        }
    }

    fn datasource_provider(&mut self, file: &str) {
        let Some(provider) = self.parse(file, parse_datasource_provider) else { return };
        self.icon(file, "identity.icon", Some(&provider.identity.icon));
        for datasource in &provider.datasources {
            if let Some(declared) = self.parse(datasource, parse_datasource) {
                self.icon(datasource, "identity.icon", declared.identity.icon.as_ref());
            }
        }
    }

    fn icon(&mut self, file: &str, place: &str, icon: Option<&String>) {
        let Some(icon) = icon else { return };
        if icon.len() > MAX_PATH {
            self.fault_at(file, place, format!("the icon's name has more than {MAX_PATH} bytes"));
        }
        if !self.files.contains_key(&format!("_assets/{icon}")) {
            self.fault_at(file, place, format!("the icon {icon} is not in _assets"));
        }
    }

    fn identifier(&mut self, file: &str, field: &str, value: &str, longest: usize) {
        let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if value.is_empty() || value.len() > longest || !value.chars().all(is_valid) {
            let message = format!("{field} must be lower-case letters, digits, _ and -, at most {longest}");
            self.fault_at(file, field, message);
        }
    }
}

/// `^\d{1,4}(\.\d{1,4}){2}(-\w{1,16})?$`
fn is_version(version: &str) -> bool {
    let (numbers, suffix) =
        version.split_once('-').map_or((version, None), |(numbers, suffix)| (numbers, Some(suffix)));
    let is_number = |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_suffix = |suffix: &str| {
        (1..=16).contains(&suffix.len()) && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && suffix.is_none_or(is_suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["0.1.0", "1.22.333", "0.1.0-rc1", "9999.0.0-a_b"] {
            assert!(is_version(good), "{good}");
        }
        for bad in ["0.1", "0.1.0.0", "v0.1.0", "0.1.0-", "0.1.0-a.b", "12345.0.0", "0..1", ""] {
            assert!(!is_version(bad), "{bad}");
        }
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let manifest = b"version: 0.1.0\ntype: plugin\nauthor: Me\nname: p\nlabel:\n  en_US: P\n";
        let cut = declaration(&Files::from([("manifest.yaml".to_owned(), manifest.to_vec())]), "p", "0.1.0");
        assert_eq!(cut.len(), 1);
        assert!(cut[0].to_string().starts_with("manifest.yaml:"), "{}", cut[0]);

        let rest = "description: {en_US: P, zh_Hans: P, ja_JP: P, pt_BR: P}\nicon: i.svg\ncreated_at: yesterday\n\
                    resource: {memory: 1}\nplugins: {}\nmeta:\n  version: '1'\n  arch: [amd64]\n  \
                    runner: {language: python, version: '3.12', entrypoint: main}\n";
        let whole = [manifest.as_slice(), rest.as_bytes()].concat();
        let faults = declaration(&Files::from([("manifest.yaml".to_owned(), whole)]), "p", "0.1.0");
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        for fault in [
            "manifest.yaml:5: label has no ja_JP",
            "manifest.yaml:3: author must be lower-case letters",
            "manifest.yaml:13: meta.version must be three numbers",
            "manifest.yaml:9: created_at must be a time",
            "manifest.yaml:8: the icon i.svg is not in _assets",
            "manifest.yaml:11: plugins must name",
            "README.md: is named and is not there",
        ] {
            assert!(said.iter().any(|said| said.starts_with(fault)), "{fault}: {said:#?}");
        }
    }
}
