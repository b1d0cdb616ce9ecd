use std::collections::BTreeMap;

use crate::archive::{self, ArchiveError};
use crate::check::{self, Fault};
use crate::{Needs, starter};

/// What goes into a package.
#[derive(Clone, Debug)]
pub struct Package {
    name: String,
    version: String,
    declaration: BTreeMap<String, Vec<u8>>,
    executables: BTreeMap<Arch, Vec<u8>>,
}

/// Architectures that Dify runs on, by its names for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Arch {
    /// Dify's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The architecture that this program was built for, if Dify runs on it.
    #[must_use]
    pub fn of_this_machine() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl Package {
    /// A package of the declaration's files, by their paths in it, and no executable yet.
    pub fn new<'a>(name: &str, version: &str, declaration: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let declaration = declaration.into_iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
        Self { name: name.to_owned(), version: version.to_owned(), declaration, executables: BTreeMap::new() }
    }

    /// Adds the executable for an architecture.
    #[must_use]
    pub fn executable(mut self, arch: Arch, bytes: Vec<u8>) -> Self {
        self.executables.insert(arch, bytes);
        self
    }

    /// All that is wrong with it: what the daemon would refuse, and what users would stumble over.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = check::declaration(&self.declaration, &self.name, &self.version);
        faults.extend(check::executables(&self.executables));
        faults.extend(check::sizes(&self.files()));
        faults
    }

    /// What its executables need of the systems that they run on.
    ///
    /// # Errors
    /// When one of them is none, or is for another architecture; [`check`](Self::check) says so too.
    pub fn needs(&self) -> Result<BTreeMap<Arch, Needs>, String> {
        self.executables.iter().map(|(arch, bytes)| Ok((*arch, Needs::of(bytes, *arch)?))).collect()
    }

    /// The files of the package, by their paths, in the order in which they are written.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = self.declaration.clone();
        let shipped: Vec<Arch> = self.executables.keys().copied().collect();
        if let Some(manifest) = files.get_mut("manifest.yaml") {
            *manifest = only_these_architectures(manifest, &shipped);
        }
        files.extend(starter::files(&self.name, &self.version, &shipped));
        for (arch, bytes) in &self.executables {
            files.insert(format!("bin/{}-linux-{}", self.name, arch.name()), bytes.clone());
        }
        files
    }

    /// The package itself, unsigned.
    ///
    /// # Errors
    /// When the zip cannot be written.
    pub fn build(&self) -> Result<Vec<u8>, ArchiveError> {
        archive::write(&self.files(), None)
    }
}

/// The manifest without the architectures for which there is no executable.
fn only_these_architectures(manifest: &[u8], shipped: &[Arch]) -> Vec<u8> {
    let missing = [Arch::Amd64, Arch::Arm64].into_iter().filter(|arch| !shipped.contains(arch));
    let left_out: Vec<String> = missing.map(|arch| format!("- {}", arch.name())).collect();
    let kept = manifest.split_inclusive(|byte| *byte == b'\n').filter(|line| {
        let line = String::from_utf8_lossy(line);
        !left_out.iter().any(|left_out| line.trim() == left_out)
    });
    kept.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_lists_the_architectures_that_are_shipped() {
        let manifest = b"meta:\n  arch:\n    - amd64\n    - arm64\n  version: 0.0.1\n";
        let package = Package::new("p", "0.1.0", [("manifest.yaml", manifest.as_slice())]);
        let package = package.executable(Arch::Amd64, vec![1]);
        let files = package.files();
        assert_eq!(files["manifest.yaml"], b"meta:\n  arch:\n    - amd64\n  version: 0.0.1\n");
        assert_eq!(files["bin/p-linux-amd64"], [1]);
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let build = || {
            let package = Package::new("p", "0.1.0", [("b", b"2".as_slice()), ("a", b"1".as_slice())]);
            package.executable(Arch::Arm64, vec![7; 100_000]).build().unwrap()
        };
        assert_eq!(build(), build());
    }
}
