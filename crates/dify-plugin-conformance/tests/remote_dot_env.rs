//! The settings may stand in a `.env` file of the working directory; the environment wins.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use dify_plugin_host::{DebuggingServer, DifyHost};

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, registered};

fn folder(name: &str, dot_env: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(".env"), dot_env).unwrap();
    folder
}

#[tokio::test]
async fn a_plugin_started_in_its_folder_registers() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let [method, url, key] = server.environment();
    let text = format!("INSTALL_METHOD={}\nREMOTE_INSTALL_URL={}\nREMOTE_INSTALL_KEY=old\n", method.1, url.1);
    let folder = folder("dot-env", &text);
    let _laptop = Laptop::start_with(&[key], |command| {
        command.current_dir(&folder);
    });
    registered(&server).await;
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_said() {
    let folder = folder("broken-dot-env", "REMOTE_INSTALL_KEY='secret\n");
    let laptop = Laptop::start_with(&[], |command| {
        command.current_dir(&folder);
    });
    let (status, lines) = laptop.ends().await;
    assert_eq!(status.code(), Some(1));
    assert!(lines.len() == 1 && lines[0].contains(".env: a line after the beginning cannot be read"), "{lines:#?}");
    assert!(!lines.concat().contains("secret"));
    fs::remove_dir_all(folder).unwrap();
}
