//! Packages, as `oxidify doctor` and `oxidify package verify` read them, and the executables in them.

use dify_plugin_package::{Arch, Needs, checksum, read_archive, verify};

use super::reader;

/// A key of 2048 bits, of which nobody has the other half.
const KEY: &str = include_str!("packages/key.pem");

pub(super) fn run(bytes: &[u8]) {
    let (reader, rest) = reader(bytes);
    match reader {
        0 => package(rest),
        1 => {
            for arch in [Arch::Amd64, Arch::Arm64] {
                if let Ok(needs) = Needs::of(rest, arch) {
                    let _ = (needs.to_string(), needs.is_portable(), needs.uncommon_libraries().count());
                }
            }
        }
        _ => {
            let key = String::from_utf8_lossy(rest);
            let _ = verify(b"", &key);
        }
    }
}

fn package(bytes: &[u8]) {
    let archive = read_archive(bytes);
    match &archive {
        Err(error) => super::assert_shown_as_it_is(&error.to_string()),
        Ok(archive) => {
            let sum = |files: &[(String, Vec<u8>)]| {
                checksum(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())))
            };
            let again = read_archive(bytes).expect("it was read before");
            assert_eq!(sum(&archive.files), sum(&again.files));
        }
    }
    if let Err(error) = verify(bytes, KEY) {
        super::assert_shown_as_it_is(&error.to_string());
    } else {
        panic!("a package passes for signed that nobody signed");
    }
}
