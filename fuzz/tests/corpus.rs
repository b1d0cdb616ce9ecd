//! Every input that was ever worth keeping, through its target, in the tests of the workspace.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::fs;
use std::path::Path;

#[path = "../targets/mod.rs"]
mod targets;

/// Most bytes of all inputs together: the repository is no place for a search's whole memory.
const MOST: u64 = 500_000;

#[test]
fn the_corpus_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, target) in targets::TARGETS {
        let mut files: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{name} has no inputs");
        for file in files {
            // What fails says which input it was.
            eprintln!("{}", file.display());
            target(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn the_corpus_is_small_and_every_folder_has_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut size = 0;
    for folder in fs::read_dir(corpus).unwrap().map(|folder| folder.unwrap()) {
        let name = folder.file_name().into_string().unwrap();
        assert!(targets::TARGETS.iter().any(|(known, _)| *known == name), "no target {name}");
        for file in fs::read_dir(folder.path()).unwrap() {
            size += file.unwrap().metadata().unwrap().len();
        }
    }
    assert!(size <= MOST, "{size} bytes");
}
