//! Packages are the same each time, and start from where Dify's daemon unpacks them.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dify_plugin_host::{CallFailure, DifyHost, PluginProcess, StartError};
use dify_plugin_package::{Arch, read_archive};
use dify_plugin_protocol::ValidateCredentials;
use serde_json::Map;

const PLUGINS: [(&str, &str); 2] = [("comfyui", "oxidify-comfyui"), ("tencent_cos_storage", "oxidify-tencent-cos")];

/// Whether the plugin's executable is beside this command, where `cargo test --workspace` builds it.
fn is_built(executable: &str) -> bool {
    or_skip(Path::new(env!("CARGO_BIN_EXE_oxidify")).with_file_name(executable).is_file(), executable)
}

/// Whether it is built, and there is a Python to start it as the daemon does.
fn can_start(executable: &str) -> bool {
    let python = Command::new("python3").arg("--version").output();
    is_built(executable) && or_skip(python.is_ok_and(|python| python.status.success()), "python3")
}

/// What is missing on a user's machine is said; in CI it is a fault.
fn or_skip(is_there: bool, what: &str) -> bool {
    assert!(is_there || std::env::var_os("CI").is_none(), "{what} is not here");
    if !is_there {
        println!("skipped: {what} is not here");
    }
    is_there
}

fn package(plugin: &str, out: &Path) -> Vec<u8> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    let output = command.args(["package", plugin, "--out"]).arg(out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(out.join(format!("{plugin}-{}.difypkg", env!("CARGO_PKG_VERSION")))).unwrap()
}

/// As the daemon does: every file without the right to execute it.
fn unpack(package: &[u8], folder: &Path) {
    for (path, bytes) in read_archive(package).unwrap().files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

fn launch(folder: &Path) -> Command {
    let mut python = Command::new("python3");
    python.args(["-m", "main"]).current_dir(folder);
    python
}

async fn answers(plugin: &PluginProcess, name: &str) {
    let fields = ValidateCredentials { user_id: String::new(), provider: name.to_owned(), credentials: Map::new() };
    let refused = match name {
        "comfyui" => plugin.validate_tool_credentials(&fields).await,
        _ => plugin.validate_datasource_credentials(&fields).await,
    };
    assert!(matches!(refused, Err(CallFailure::Plugin(_))), "{refused:?}");
}

#[tokio::test]
async fn they_start_as_the_daemon_starts_them() {
    for (plugin, executable) in PLUGINS {
        if !can_start(executable) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        unpack(&package(plugin, folder.path()), &folder.path().join("unpacked"));
        let launch = launch(&folder.path().join("unpacked"));
        let process = PluginProcess::start(launch, &DifyHost::builder().build()).await.unwrap();
        answers(&process, plugin).await;
        // No Python is left: it is the executable itself.
        let running = fs::read_link(format!("/proc/{}/exe", process.pid())).unwrap();
        assert!(running.to_str().unwrap().contains(&format!("bin/{plugin}-linux-")), "{}", running.display());
        process.close_stdin().await.unwrap();
        assert!(process.wait_exit(Duration::from_secs(10)).await.unwrap().success());
    }
}

#[tokio::test]
async fn where_nothing_may_run_they_run_from_memory() {
    let (plugin, executable) = PLUGINS[0];
    if !can_start(executable) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mounted = folder.path().join("noexec");
    fs::create_dir(&mounted).unwrap();
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "noexec,mode=755", "none"]).arg(&mounted).output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        println!("skipped: no file system can be mounted here");
        return;
    }
    unpack(&package(plugin, folder.path()), &mounted);
    let started = PluginProcess::start(launch(&mounted), &DifyHost::builder().build()).await;
    if let Ok(process) = &started {
        answers(process, plugin).await;
        process.stop().await;
    }
    Command::new("umount").arg("-l").arg(&mounted).status().unwrap();
    started.unwrap();
}

#[tokio::test]
async fn an_executable_that_is_missing_is_named() {
    let (plugin, executable) = PLUGINS[0];
    if !can_start(executable) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unpacked = folder.path().join("unpacked");
    unpack(&package(plugin, folder.path()), &unpacked);
    fs::remove_dir_all(unpacked.join("bin")).unwrap();
    let refused = PluginProcess::start(launch(&unpacked), &DifyHost::builder().build()).await;
    let Err(StartError::Ended { stderr, .. }) = refused else { panic!("{refused:?}") };
    let arch = Arch::of_this_machine().unwrap().name();
    assert!(stderr.contains(&format!("it ships linux on {arch}")), "{stderr}");
}

#[test]
fn they_are_the_same_each_time() {
    for (plugin, executable) in PLUGINS {
        if !is_built(executable) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (package(plugin, folder.path()), package(plugin, folder.path()));
        assert!(first == second, "{plugin}: two builds differ");
        let files: Vec<String> = read_archive(&first).unwrap().files.into_iter().map(|(path, _)| path).collect();
        for expected in ["main.py", "manifest.yaml", "pyproject.toml", "requirements.txt", "uv.lock", "README.md"] {
            assert!(files.iter().any(|file| file == expected), "{plugin} lacks {expected}");
        }
        assert!(files.is_sorted() && !files.iter().any(|file| file.ends_with('/')));
    }
}

#[test]
fn the_doctor_finds_them_well_and_a_broken_one_not() {
    for (plugin, executable) in PLUGINS {
        if !can_start(executable) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        package(plugin, folder.path());
        let file = folder.path().join(format!("{plugin}-{}.difypkg", env!("CARGO_PKG_VERSION")));
        let doctor = || Command::new(env!("CARGO_BIN_EXE_oxidify")).arg("doctor").arg(&file).output().unwrap();
        let well = doctor();
        let said = String::from_utf8_lossy(&well.stdout);
        assert!(well.status.success(), "{said}{}", String::from_utf8_lossy(&well.stderr));
        assert!(
            said.starts_with(&format!("oxidify/{plugin}:")) && said.contains("without credentials, says"),
            "{said}"
        );
        if cfg!(target_os = "linux") {
            assert!(said.contains("rights given up in ") && said.contains("the kernel confirms it"), "{said}");
        }

        fs::write(&file, b"PK broken").unwrap();
        assert!(!doctor().status.success());
    }
}

#[test]
fn a_file_that_is_no_executable_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify"));
    command.args(["package", "comfyui", "--out"]).arg(folder.path());
    let output = command.args(["--binary", &format!("arm64={}", script.display())]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("not an executable of Linux on arm64"), "{said}");
}
