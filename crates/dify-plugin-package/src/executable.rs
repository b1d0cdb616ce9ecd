//! What an executable needs of the system that it is to run on, read from its ELF headers.

use std::fmt;

use object::elf::FileHeader64;
use object::read::elf::{ElfFile64, FileHeader};
use object::{Architecture, Endianness, Object};

use crate::Arch;

/// The oldest glibc that the executables of a release run on: that of Debian 10 and Red Hat 8.
pub const OLDEST_GLIBC: Glibc = Glibc(2, 28);

/// Libraries that are glibc's own; all its versions since 2.0 have them, or answer to their names.
const GLIBC_LIBRARIES: [&str; 9] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libutil.so.1",
];

/// The unwinder, which comes with a C compiler and is in every image that holds Python.
const UNWINDER: &str = "libgcc_s.so.1";

/// A version of glibc: major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What an executable needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// The newest version of glibc that one of its symbols asks for; `None` when it is static.
    pub glibc: Option<Glibc>,
    /// The shared libraries that are not glibc's, by their names.
    pub libraries: Vec<String>,
}

impl Needs {
    /// Of a file, which must be an executable of Linux on `arch`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn of(executable: &[u8], arch: Arch) -> Result<Self, String> {
        let not_one = || format!("not an executable of Linux on {}", arch.name());
        let file = ElfFile64::<Endianness>::parse(executable).map_err(|_| not_one())?;
        let expected = match arch {
            Arch::Amd64 => Architecture::X86_64,
            Arch::Arm64 => Architecture::Aarch64,
        };
        if file.architecture() != expected {
            return Err(not_one());
        }
        let broken = |error| format!("broken headers: {error}");
        let mut libraries = Vec::new();
        for library in file.import_libraries().map_err(broken)? {
            let name = library.map_err(broken)?.name();
            let name = String::from_utf8_lossy(name).into_owned();
            if !GLIBC_LIBRARIES.contains(&name.as_str()) {
                libraries.push(name);
            }
        }
        libraries.sort();
        Ok(Self { glibc: newest_glibc(&file, executable).map_err(broken)?, libraries })
    }

    /// Libraries that are not on every machine that Dify runs on.
    pub fn uncommon_libraries(&self) -> impl Iterator<Item = &str> {
        self.libraries.iter().map(String::as_str).filter(|library| *library != UNWINDER)
    }

    /// Whether it runs with nothing but a glibc from [`OLDEST_GLIBC`] on.
    #[must_use]
    pub fn is_portable(&self) -> bool {
        self.libraries.is_empty() && self.glibc.is_none_or(|glibc| glibc <= OLDEST_GLIBC)
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.glibc {
            Some(glibc) => write!(f, "glibc {glibc}")?,
            None => f.write_str("Linux alone")?,
        }
        self.libraries.iter().try_for_each(|library| write!(f, ", {library}"))
    }
}

fn newest_glibc(file: &ElfFile64<'_>, bytes: &[u8]) -> object::read::Result<Option<Glibc>> {
    let endian = file.endian();
    let sections = FileHeader64::<Endianness>::parse(bytes)?.sections(endian, bytes)?;
    let Some((mut needs, section)) = sections.gnu_verneed(endian, bytes)? else { return Ok(None) };
    let strings = sections.strings(endian, bytes, section)?;
    let mut newest = None;
    while let Some((_, mut versions)) = needs.next()? {
        while let Some(version) = versions.next()? {
            newest = newest.max(glibc_version(version.name(endian, strings)?));
        }
    }
    Ok(newest)
}

/// `GLIBC_2.28` → 2.28. Of versions of other libraries, and of `GLIBC_PRIVATE`, nothing.
fn glibc_version(name: &[u8]) -> Option<Glibc> {
    let version = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    Some(Glibc(numbers.next()??, numbers.next().flatten().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert_eq!(glibc_version(b"GLIBC_2.2.5"), Some(Glibc(2, 2)));
        assert!(glibc_version(b"GLIBC_2.9") < glibc_version(b"GLIBC_2.17"));
        assert_eq!(glibc_version(b"GCC_3.0"), None);
        assert_eq!(glibc_version(b"GLIBC_PRIVATE"), None);
    }

    #[test]
    fn what_is_no_executable_is_refused() {
        for bytes in [b"".as_slice(), b"#!/bin/sh\n", b"\x7fELF\x02\x01", &[0; 4096]] {
            let refused = Needs::of(bytes, Arch::Arm64).unwrap_err();
            assert_eq!(refused, "not an executable of Linux on arm64");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn of_this_test() {
        let Some(arch) = Arch::of_this_machine() else { return };
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = Needs::of(&bytes, arch).unwrap();
        assert_eq!(needs.uncommon_libraries().count(), 0, "{needs}");
        let other = if arch == Arch::Amd64 { Arch::Arm64 } else { Arch::Amd64 };
        assert!(Needs::of(&bytes, other).is_err());
        // Headers cut anywhere are an error or an answer, never a panic.
        for length in (0..bytes.len().min(1 << 16)).step_by(61) {
            let _ = Needs::of(&bytes[..length], arch);
        }
    }

    #[test]
    fn portable_is_what_needs_old_glibc_alone() {
        let needs =
            |glibc, libraries: &[&str]| Needs { glibc, libraries: libraries.iter().map(|&l| l.into()).collect() };
        assert!(needs(Some(Glibc(2, 28)), &[]).is_portable());
        assert!(needs(None, &[]).is_portable());
        assert!(!needs(Some(Glibc(2, 29)), &[]).is_portable());
        assert!(!needs(Some(Glibc(2, 17)), &[UNWINDER]).is_portable());
        assert_eq!(needs(Some(Glibc(2, 34)), &[UNWINDER]).to_string(), "glibc 2.34, libgcc_s.so.1");
    }
}
