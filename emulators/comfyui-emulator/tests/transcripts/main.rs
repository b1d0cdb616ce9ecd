//! Replays recorded traffic of a real ComfyUI 0.33.0 against the emulator.
//!
//! The recordings are not part of the repository: they are looked for beside it. Every exchange
//! and every WebSocket of a recording is a case. What is known not to agree is listed in
//! `exceptions.rs` with the reason, and a listed case that agrees fails the test as well.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod comparison;
mod exceptions;
mod probe_nodes;
mod recording;
mod replay;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use exceptions::{DIFFERENCES, SKIPPED};
use recording::Recording;
use replay::{Outcome, replay};

/// The recordings that are replayed.
const RECORDINGS: [&str; 22] = [
    "01", "02", "03", "04", "05", "06", "07", "08", "10", "11", "12", "13", "14", "15", "17", "21", "22", "23", "30",
    "31", "32", "33",
];

/// In these a client acts while a node ticks: how often it ticks in between, and whether a
/// `status` comes before or after a tick, is chance.
const TIMED: [&str; 3] = ["10", "11", "15"];

/// In these the server was started with `--multi-user`.
const MULTI_USER: [&str; 1] = ["30"];

fn recordings() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("../shared/comfyui-transcripts");
    folder.is_dir().then_some(folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_emulator_answers_as_the_recorded_server() {
    let Some(folder) = recordings() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let mut runs = Vec::new();
    for number in RECORDINGS {
        let path = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(number))
            .unwrap_or_else(|| panic!("no recording {number}"));
        let text = std::fs::read_to_string(path).unwrap();
        let skipped: Vec<&str> =
            SKIPPED.iter().filter(|skip| skip.recording == number).map(|skip| skip.section).collect();
        let recording = Recording::parse(&text);
        runs.push((
            number,
            tokio::spawn(replay(recording, skipped, TIMED.contains(&number), MULTI_USER.contains(&number))),
        ));
    }
    let (mut agreed, mut wrong) = (0, Vec::new());
    let mut listed: BTreeSet<(&str, &str)> = DIFFERENCES.iter().map(|known| (known.recording, known.case)).collect();
    for (number, run) in runs {
        for Outcome { case, differences } in run.await.unwrap() {
            let known = DIFFERENCES.iter().find(|known| known.recording == number && known.case == case);
            match (known, differences.is_empty()) {
                (None, true) => agreed += 1,
                (None, false) => {
                    wrong.push(format!("{number} {case}:\n    {}", differences.join("\n    ")));
                }
                (Some(known), true) => {
                    wrong.push(format!("{number} {case}: agrees now; take it from the list ({})", known.reason))
                }
                (Some(known), false) => {
                    listed.remove(&(known.recording, known.case));
                }
            }
        }
    }
    wrong.extend(listed.iter().map(|(number, case)| format!("{number} {case}: no such case")));
    println!("{agreed} cases agree, {} are listed as different", DIFFERENCES.len());
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(agreed > 250, "only {agreed} cases were compared");
}
