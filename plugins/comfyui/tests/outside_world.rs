//! Whom the plugin speaks to and what it does to the machine, as the kernel saw it, through calls that go well and calls
//! that do not.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;
#[path = "plugin/repeating_server.rs"]
mod repeating_server;

use std::fs;
use std::time::Duration;

use comfyui_emulator::Fault;
use dify_plugin_host::{DifyHost, UploadEndpoint};
use on_emulator::{OnEmulator, colour, load, refusal, save};
use pictures::{photo, png};
use process_trace::{Asked, Peer, Trace};
use repeating_server::redirecting_to;
use serde_json::json;
use tokio::net::TcpListener;

/// So small that every picture goes by the upload URL.
const MERGED: u64 = 50;

fn port(url: &str) -> u16 {
    let authority = url.split('/').nth(2).unwrap();
    authority.rsplit_once(':').unwrap().1.parse().unwrap()
}

async fn start(trace: &Trace) -> OnEmulator {
    let uploads = UploadEndpoint::start().await.unwrap();
    let dify = DifyHost::builder().uploads(uploads.clone()).merged_file_limit(MERGED).strict(true).build();
    let set_up = |command: &mut std::process::Command| {
        command.env("PLUGIN_MAX_FILE_SIZE", MERGED.to_string());
        trace.wrap(command);
    };
    OnEmulator::start_in(&dify, uploads, |comfyui| comfyui, set_up).await
}

async fn end(on: OnEmulator, trace: Trace) -> Asked {
    on.plugin.close_stdin().await.unwrap();
    assert!(on.plugin.wait_exit(Duration::from_secs(10)).await.unwrap().success());
    tokio::task::spawn_blocking(|| trace.finish()).await.unwrap()
}

#[tokio::test]
async fn it_speaks_to_comfyui_and_to_dify_and_changes_nothing() {
    let Some(trace) = Trace::begin() else { return };
    let mut on = start(&trace).await;
    let file_url = |on: &OnEmulator| on.files.url_of(&on.files.add("x.png", "image/png", vec![0]));
    on.validate().await.unwrap();
    let picture = on.file("photo.png", "image/png", png(&photo(64, 64)));
    let workflow = json!({"1": load("Photo"), "2": save("1")});
    on.run(&workflow, json!({"images": [picture]})).await.unwrap();
    assert!(on.uploads.file_count() > 0);
    on.run(&json!({"1": colour(1), "2": save("1")}), json!({})).await.unwrap();
    let broken = on.file("broken.png", "image/png", b"not a picture".to_vec());
    refusal(on.run(&workflow, json!({"images": [broken]})).await);
    on.comfyui.faults().plan(None, "/view", Fault::CutAnswer { after: 10 }, Some(1));
    refusal(on.run(&json!({"1": colour(2), "2": save("1")}), json!({})).await);
    on.comfyui.faults().cut_websocket_after(3);
    on.run(&json!({"1": colour(3), "2": save("1")}), json!({})).await.unwrap();

    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redirecting = redirecting_to(format!("http://{}", elsewhere.local_addr().unwrap())).await;
    on.fill_in("base_url", redirecting.as_str());
    refusal(on.run(&workflow, json!({})).await);
    refusal(on.validate().await);

    // What other users of the machine could read of it.
    let process = format!("/proc/{}", on.plugin.pid());
    let mut tap = on.watch.tap("arguments and environment");
    tap.write(&fs::read(format!("{process}/cmdline")).unwrap());
    // Where it cannot be read at all, so much the better.
    tap.write(&fs::read(format!("{process}/environ")).unwrap_or_default());
    on.assert_well_behaved();

    let upload = serde_json::from_value(json!({"filename": "x", "mimetype": "x/x"})).unwrap();
    let urls = [on.comfyui.url().to_owned(), on.uploads.url_for(&upload, "", ""), file_url(&on), redirecting];
    let known = urls.map(|url| Peer::Internet("127.0.0.1".to_owned(), port(&url)));
    let asked = end(on, trace).await;
    assert!(known.iter().all(|peer| asked.peers.contains(peer)), "{:?} of {known:?}", asked.peers);
    assert!(asked.peers.iter().all(|peer| known.contains(peer)), "{:?} beyond {known:?}", asked.peers);
    assert_eq!((asked.changes, asked.failed_changes, asked.listened), (vec![], vec![], vec![]));
    assert_eq!(asked.programs.len(), 1, "{:?}", asked.programs);
}

#[tokio::test]
async fn the_name_that_is_looked_up_is_the_servers() {
    let Some(trace) = Trace::begin() else { return };
    let mut on = start(&trace).await;
    on.fill_in("base_url", "http://no-such-host.invalid:8188");
    refusal(on.validate().await);
    let asked = end(on, trace).await;
    let is_resolver = |peer: &Peer| matches!(peer, Peer::Internet(_, 53) | Peer::Local(_));
    assert!(asked.peers.iter().all(is_resolver), "{:?}", asked.peers);
    let questions: Vec<_> = asked.datagrams.iter().filter(|sent| !sent.contains("AF_NETLINK")).collect();
    assert!(questions.iter().all(|sent| sent.contains("no-such-host")), "{questions:?}");
}
