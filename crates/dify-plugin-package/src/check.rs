//! What the daemon checks when a package is uploaded or installed, and what we check beyond it
//! (dify-plugin-daemon, `pkg/plugin_packager/decoder/helper.go`, `pkg/entities/plugin_entities/plugin_declaration.go`).

use std::collections::BTreeMap;
use std::fmt;

use dify_plugin_declaration::{
    Texts, check_texts, parse_datasource, parse_datasource_provider, parse_manifest, parse_tool, parse_tool_provider,
};

use crate::Arch;

/// Most bytes of all files together (`MAX_PLUGIN_PACKAGE_SIZE` of the daemon).
const MAX_UNPACKED: usize = 52_428_800;

/// Languages in which a user may read the README, besides English.
const README_LANGUAGES: [&str; 3] = ["zh_Hans", "ja_JP", "pt_BR"];

/// Something that is wrong with a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, by its path in the package.
    pub file: String,
    /// What is wrong; of a YAML file with line and column where they are known.
    pub message: String,
}

impl Fault {
    fn new(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.message)
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
    let machine = |arch: Arch| match arch {
        Arch::Amd64 => [0x3e, 0],
        Arch::Arm64 => [0xb7, 0],
    };
    let is_elf =
        |bytes: &[u8], arch| bytes.starts_with(b"\x7fELF\x02\x01") && bytes.get(18..20) == Some(&machine(arch));
    let faulty = executables.iter().filter(|(arch, bytes)| !is_elf(bytes, **arch));
    faulty.map(|(arch, _)| Fault::new("bin/", format!("not an executable of Linux on {}", arch.name()))).collect()
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
    fn parse<T: Texts, E: fmt::Display>(&mut self, file: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text(file)?;
        match parse(&text) {
            Ok(parsed) => {
                for finding in check_texts(&parsed) {
                    self.fault(file, finding);
                }
                Some(parsed)
            }
            Err(error) => {
                self.fault(file, error.to_string());
                None
            }
        }
    }

    fn manifest(&mut self, name: &str, version: &str) {
        const FILE: &str = "manifest.yaml";
        let Some(manifest) = self.parse(FILE, parse_manifest) else { return };
        if manifest.name != name {
            self.fault(FILE, format!("the name is {} and should be {name}", manifest.name));
        }
        if manifest.version != version {
            self.fault(FILE, format!("the version is {} and should be {version}", manifest.version));
        }
        self.identifier(FILE, "author", &manifest.author, 64);
        self.identifier(FILE, "name", &manifest.name, 128);
        for (field, version) in [("version", &manifest.version), ("meta.version", &manifest.meta.version)] {
            if !is_version(version) {
                self.fault(FILE, format!("{field} must be three numbers and perhaps a suffix, as 0.1.0-rc1"));
            }
        }
        for icon in [Some(&manifest.icon), manifest.icon_dark.as_ref()].into_iter().flatten() {
            self.icon(FILE, icon);
        }
        if let Some(privacy) = &manifest.privacy {
            let file = privacy.trim_start_matches("./").to_owned();
            let _ = self.text(&file);
        }
        let _ = self.text("README.md");
        for language in README_LANGUAGES {
            let _ = self.text(&format!("readme/README_{language}.md"));
        }
        if manifest.plugins.tools.is_empty() == manifest.plugins.datasources.is_empty() {
            self.fault(FILE, "plugins must name either tools or datasources");
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
        for icon in [Some(&provider.identity.icon), provider.identity.icon_dark.as_ref()].into_iter().flatten() {
            self.icon(file, icon);
        }
        for tool in &provider.tools {
            self.parse(tool, parse_tool);
        }
    }

    fn datasource_provider(&mut self, file: &str) {
        let Some(provider) = self.parse(file, parse_datasource_provider) else { return };
        self.icon(file, &provider.identity.icon);
        for datasource in &provider.datasources {
            self.parse(datasource, parse_datasource);
        }
    }

    fn icon(&mut self, file: &str, icon: &str) {
        if !self.files.contains_key(&format!("_assets/{icon}")) {
            self.fault(file, format!("the icon {icon} is not in _assets"));
        }
    }

    fn identifier(&mut self, file: &str, field: &str, value: &str, longest: usize) {
        let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if value.is_empty() || value.len() > longest || !value.chars().all(is_valid) {
            self.fault(file, format!("{field} must be lower-case letters, digits, _ and -, at most {longest}"));
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
    fn an_executable_for_another_machine_is_found() {
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(18, 0);
        elf.extend([0x3e, 0]);
        let as_amd64 = BTreeMap::from([(Arch::Amd64, elf.clone())]);
        assert_eq!(executables(&as_amd64), []);
        let as_arm64 = BTreeMap::from([(Arch::Arm64, elf)]);
        assert_eq!(executables(&as_arm64).len(), 1);
        assert_eq!(executables(&BTreeMap::new()).len(), 1);
    }
}
