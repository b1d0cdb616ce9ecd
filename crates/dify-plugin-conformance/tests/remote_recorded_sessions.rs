//! The recorded sessions give the same lines over a connection to the debugging server as over standard input and output.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use dify_plugin_conformance::{RecordedCase, normal_form, recorded_sessions, replay, replay_over_tcp};

#[path = "servers/upload.rs"]
mod upload;

use upload::UploadServer;

/// Recordings of other transports, and of the official COS plugin, which is compared with ours in its own crate.
const ELSEWHERE: [&str; 2] = ["tcp_", "cos_"];

/// Where the plugin waits for an answer to a call back that never comes. The end of its input tells it so; a connection
/// that goes on does not.
const END_WITH_THE_INPUT: [&str; 2] = ["backwards_no_answer_timeout", "storage_end_without_response"];

/// Sessions at a time. Most of each is waiting for the debugging server's silence.
const AT_ONCE: usize = 12;

#[test]
fn the_same_lines_come_over_tcp() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_one = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        file.extension().is_some_and(|extension| extension == "jsonl")
            && !ELSEWHERE.iter().any(|prefix| name.starts_with(prefix))
            && !END_WITH_THE_INPUT.contains(&name)
    };
    let files = Mutex::new(files.into_iter().filter(is_one).collect::<Vec<_>>());
    let complaints = Mutex::new(Vec::new());
    let compared = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(file) = { files.lock().unwrap().pop() } {
                    let complaint = compare(&file);
                    complaints.lock().unwrap().extend(complaint);
                    *compared.lock().unwrap() += 1;
                }
            });
        }
    });
    let (compared, complaints) = (compared.into_inner().unwrap(), complaints.into_inner().unwrap());
    println!("{compared} recorded sessions compared");
    assert!(compared > 100, "only {compared} recordings were found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn compare(file: &Path) -> Option<String> {
    let case = RecordedCase::read(file).unwrap();
    let uploads = || UploadServer::of(&case.name, &file.with_extension("http.json"));
    let upload = uploads();
    let local = replay(plugin(&case.name), &case, |line| upload.redirect(line)).unwrap();
    let local: Vec<_> = local.iter().map(|line| upload.hide_address(line)).collect();
    let upload = uploads();
    let remote = match replay_over_tcp(plugin(&case.name), &case, local.len(), |line| upload.redirect(line)) {
        Ok(remote) => remote,
        Err(error) => return Some(format!("{}: {error}, where {} lines were expected", case.name, local.len())),
    };
    upload.check(&case.name);
    let remote: Vec<_> = remote.iter().map(|line| upload.hide_address(line)).collect();
    let (local, remote) = (normal_form(&local), normal_form(&remote));
    (local != remote).then(|| format!("{}: local {local:?}\nremote {remote:?}", case.name))
}

fn plugin(case: &str) -> Command {
    let is_drive = ["drive_", "datasource_", "doc_", "site_", "startup_drive", "startup_doc", "startup_site"];
    let kind = if is_drive.iter().any(|prefix| case.starts_with(prefix)) { "drive" } else { "tool" };
    let mut plugin = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
    plugin.arg(kind).env("INSTALL_METHOD", "local");
    plugin
}
