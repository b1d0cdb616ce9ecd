//! Both plugins in Dify's own plugin daemon: installed, called, upgraded, restarted, uninstalled, and debugged remotely.
//!
//! Needs what the project cannot bring: `OXIDIFY_PLUGIN_DAEMON` names a folder with the daemon's executables `server` and
//! `commandline` (Go, `./cmd/server` and `./cmd/commandline` of dify-plugin-daemon), `OXIDIFY_UV` and `OXIDIFY_PYTHON` name
//! uv and a Python 3.12, and the daemon's own `DB_*` and `REDIS_*` say where PostgreSQL and Redis are. Without the first it
//! says that it is skipped. The figures it prints are those of docs/dify-compatibility.md:
//!
//! `cargo build --release --workspace --bins && cargo test --release --test plugin_daemon -- --nocapture`
//!
//! `OXIDIFY_PEER_COMFYUI` and `OXIDIFY_PEER_COS` name packages of the official Python plugins, to be measured beside; they
//! need a package index.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

#[path = "plugin_daemon/api.rs"]
mod api;
#[path = "plugin_daemon/comfyui.rs"]
mod comfyui;
#[path = "plugin_daemon/cos.rs"]
mod cos;
#[path = "plugin_daemon/inner_api.rs"]
mod inner_api;
#[path = "plugin_daemon/packages.rs"]
mod packages;
#[path = "plugin_daemon/server.rs"]
mod server;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dify_plugin_host::UploadEndpoint;
use serde_json::json;

use api::Api;
use comfyui::ComfyUi;
use cos::Cos;
use inner_api::InnerApi;
use packages::{Built, built};
use server::{Daemon, DaemonSettings, Network};

macro_rules! daemon_or_skip {
    () => {
        match DaemonSettings::of_the_environment().await {
            Some(settings) => settings,
            None => {
                println!("skipped: OXIDIFY_PLUGIN_DAEMON names no plugin daemon");
                return;
            }
        }
    };
}

/// The life of both plugins, with no network but the loopback.
#[tokio::test]
async fn installed_called_upgraded_restarted_uninstalled() {
    let settings = daemon_or_skip!();
    let uploads = UploadEndpoint::start().await.unwrap();
    let dify = InnerApi::start(uploads.clone()).await;
    let mut daemon = Daemon::start(settings.inner_api(dify.url()).network(Network::None)).await;
    let (comfyui, cos) = (ComfyUi::start().await, Cos::start().await);

    for plugin in [built("comfyui"), built("tencent_cos_storage")] {
        let identifier = install(&daemon, &plugin).await;
        let listed = daemon.api().get("management/list?page=1&page_size=10").await;
        assert!(listed.to_string().contains(&identifier), "{listed}");
    }
    comfyui.calls(daemon.api()).await;
    cos.calls(daemon.api(), &uploads).await;
    report_memory(&daemon, "after the calls");

    // A second daemon on the same database, and on the same packages, as in a cluster.
    let second = Daemon::start(daemon.settings().clone()).await;
    ready(&second, &comfyui, &cos).await;
    comfyui.workflow(second.api()).await;
    cos.browse(second.api()).await;
    println!("a second daemon of the cluster answers as well");
    second.stop().await;

    let restarted = Instant::now();
    daemon.restart().await;
    ready(&daemon, &comfyui, &cos).await;
    comfyui.workflow(daemon.api()).await;
    cos.browse(daemon.api()).await;
    println!("both answered {:.2} s after a restart of the daemon began", restarted.elapsed().as_secs_f64());

    for plugin in ["comfyui", "tencent_cos_storage"] {
        let (old, new) = (built(plugin), built(plugin).with_version("99.0.0"));
        let new = daemon.api().upload(&new.bytes, false).await.unwrap();
        let old = daemon.api().upload(&old.bytes, false).await.unwrap();
        let upgraded = Instant::now();
        let task = daemon
            .api()
            .post(
                "management/install/upgrade",
                &json!({
                    "original_plugin_unique_identifier": old, "new_plugin_unique_identifier": new, "source": "package",
                    "meta": {},
                }),
            )
            .await
            .unwrap();
        daemon.api().finish(&task).await;
        let listed = daemon.api().get("management/list?page=1&page_size=10").await.to_string();
        assert!(listed.contains(&new) && !listed.contains(&old), "{listed}");
        println!("{plugin}: upgraded in {:.2} s", upgraded.elapsed().as_secs_f64());
    }
    comfyui.workflow(daemon.api()).await;
    cos.browse(daemon.api()).await;

    for plugin in ["comfyui", "tencent_cos_storage"] {
        let id = daemon.api().installation_id(plugin).await;
        daemon.api().post("management/uninstall", &json!({"plugin_installation_id": id})).await.unwrap();
        daemon.gone(plugin).await;
    }
    let refused = comfyui.validate(daemon.api()).await;
    assert!(refused.is_err(), "an uninstalled plugin answered");
    println!("both uninstalled, their processes gone");
    daemon.stop().await;
}

/// The daemon takes only packages that are signed with a key that it was told of.
#[tokio::test]
async fn signed_where_signatures_are_enforced() {
    let settings = daemon_or_skip!();
    let keys = packages::Keys::make();
    let settings = settings.network(Network::None).signed_by(keys.public());
    let daemon = Daemon::start(settings).await;
    let plain = built("comfyui");
    let refused = daemon.api().upload(&plain.bytes, false).await;
    assert!(refused.as_ref().is_err_and(|error| error.contains("signature")), "{refused:?}");
    let signed = plain.signed_with(&keys);
    install(&daemon, &signed).await;
    let comfyui = ComfyUi::start().await;
    comfyui.workflow(daemon.api()).await;
    daemon.stop().await;
}

/// The same calls, to plugins that were started by hand and registered over TCP.
#[tokio::test]
async fn debugged_remotely() {
    let settings = daemon_or_skip!();
    let uploads = UploadEndpoint::start().await.unwrap();
    let dify = InnerApi::start(uploads.clone()).await;
    let mut daemon = Daemon::start(settings.inner_api(dify.url()).network(Network::None)).await;
    let key = daemon.api().post("debugging/key", &json!({})).await.unwrap()["key"].as_str().unwrap().to_owned();
    let start = |plugin: &str, key: &str| {
        let mut command = Command::new(packages::executable(plugin));
        command.env("INSTALL_METHOD", "remote").env("REMOTE_INSTALL_URL", daemon.debugging_address());
        command.env("REMOTE_INSTALL_KEY", key).stdin(Stdio::null());
        command
    };

    let refused = start("comfyui", "00000000-0000-4000-8000-00000000dead").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    println!("a wrong key: {}", said.trim());
    assert!(!refused.status.success() && said.contains("key"), "{said}");

    let mut plugins = ["comfyui", "tencent_cos_storage"].map(|plugin| start(plugin, &key).spawn().unwrap());
    let (comfyui, cos) = (ComfyUi::start().await, Cos::start().await);
    for plugin in ["comfyui", "tencent_cos_storage"] {
        let started = Instant::now();
        daemon.api().listed(plugin).await;
        println!("{plugin}: registered {:.2} s after its start", started.elapsed().as_secs_f64());
    }
    comfyui.calls(daemon.api()).await;
    cos.calls(daemon.api(), &uploads).await;

    // The daemon forgets those who debug when it ends, and takes them again when they come back.
    daemon.restart().await;
    let back = Instant::now();
    ready(&daemon, &comfyui, &cos).await;
    println!("registered again {:.1} s after a restart of the daemon", back.elapsed().as_secs_f64());
    comfyui.workflow(daemon.api()).await;

    for plugin in &mut plugins {
        let pid = rustix::process::Pid::from_child(plugin);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(plugin.wait().unwrap().success());
    }
    daemon.stop().await;
}

/// The official Python plugins on the same daemon. They are installed from a package index, so this has a network.
#[tokio::test]
async fn beside_the_official_plugins() {
    let settings = daemon_or_skip!();
    let peers = [("comfyui", "OXIDIFY_PEER_COMFYUI"), ("tencent_cos_storage", "OXIDIFY_PEER_COS")];
    let named: Vec<_> = peers.into_iter().filter_map(|(name, at)| Some((name, std::env::var_os(at)?))).collect();
    if named.is_empty() {
        println!("skipped: no package of an official plugin is named");
        return;
    }
    let daemon = Daemon::start(settings.network(Network::Whole)).await;
    for (name, path) in named {
        for (whose, plugin) in [("official", Built::read(&path)), ("ours", built(name))] {
            println!("{whose}:");
            let identifier = install(&daemon, &plugin).await;
            let surface = if name == "comfyui" { "tool" } else { "datasource" };
            let plugin_id = identifier.split(':').next().unwrap();
            for which in ["first", "second"] {
                let called = Instant::now();
                // The one call that both answer without a server of Tencent's.
                let nothing = json!({"provider": name, "credentials": {}});
                let path = format!("{surface}/validate_credentials");
                let refused = daemon.api().dispatch(plugin_id, &path, nothing).await;
                assert!(refused.is_err(), "no credentials were accepted");
                println!("  {which} validation: {:.1} ms", called.elapsed().as_secs_f64() * 1000.0);
            }
            report_memory(&daemon, "after a validation");
            daemon.api().uninstall(&identifier).await;
            daemon.gone(name).await;
        }
    }
    daemon.stop().await;
}

/// Uploads and installs a package; its unique identifier.
async fn install(daemon: &Daemon, plugin: &Built) -> String {
    let started = Instant::now();
    let identifier = daemon.api().upload(&plugin.bytes, false).await.unwrap();
    let task = daemon.api().install(&identifier).await;
    daemon.api().finish(&task).await;
    let seconds = started.elapsed().as_secs_f64();
    println!("{identifier}: {} bytes, installed in {seconds:.2} s", plugin.bytes.len());
    tokio::time::sleep(Duration::from_secs(1)).await;
    report_memory(daemon, "idle");
    identifier
}

/// Waits until both plugins answer: a daemon starts them after itself.
async fn ready(daemon: &Daemon, comfyui: &ComfyUi, cos: &Cos) {
    let started = Instant::now();
    loop {
        let answers = [comfyui.validate(daemon.api()).await, cos.validate(daemon.api()).await];
        if answers.iter().all(Result::is_ok) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{answers:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn report_memory(daemon: &Daemon, when: &str) {
    for (plugin, kilobytes) in daemon.plugin_memory() {
        println!("  {plugin}: {:.1} MB {when}", f64::from(kilobytes) / 1000.0);
    }
}

impl Api {
    async fn uninstall(&self, identifier: &str) {
        let plugin = identifier.split(':').next().unwrap().to_owned();
        let id = self.installation_id(plugin.split('/').next_back().unwrap()).await;
        self.post("management/uninstall", &json!({"plugin_installation_id": id})).await.unwrap();
    }
}
