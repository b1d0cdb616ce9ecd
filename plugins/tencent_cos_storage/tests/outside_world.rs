//! Whom the plugin speaks to and what it does to the machine, as the kernel saw it, through calls that go well and calls
//! that do not.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/redirecting.rs"]
mod redirecting;

use std::fs;
use std::time::Duration;

use cos_emulator::{Fault, Operation};
use on_emulator::{BUCKET, OnEmulator, refusal};
use process_trace::{Peer, Trace};
use redirecting::redirecting_to;
use serde_json::json;
use tokio::net::TcpListener;

fn port(url: &str) -> u16 {
    let authority = url.split('/').nth(2).unwrap();
    authority.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn it_speaks_to_cos_and_to_dify_and_changes_nothing() {
    let Some(trace) = Trace::begin() else { return };
    let mut on = OnEmulator::start_set_up(|command| trace.wrap(command)).await;
    on.put("a.txt", "small");
    on.cos.put_generated_object(BUCKET, "large.bin", 6_000_000, 1).unwrap();
    on.validate().await.unwrap();
    on.browse(json!({"bucket": null, "prefix": ""})).await.unwrap();
    on.browse(json!({"bucket": BUCKET, "prefix": ""})).await.unwrap();
    on.download(BUCKET, "a.txt").await.unwrap();
    on.download(BUCKET, "large.bin").await.unwrap();
    assert_eq!(on.uploads.file_count(), 1);
    refusal(&on.cos, on.download(BUCKET, "no such file").await);
    refusal(&on.cos, on.browse(json!({"bucket": "gone-1250000000", "prefix": ""})).await);
    on.cos.faults().inject(Fault::SlowDown.times(1).on(Operation::GetObject));
    on.cos.faults().inject(Fault::CutBody { after: 100_000 }.on(Operation::GetObject));
    on.download(BUCKET, "large.bin").await.unwrap();

    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redirecting = redirecting_to(format!("http://{}", elsewhere.local_addr().unwrap())).await;
    let endpoint = on.cos.endpoint();
    on.fill_in("endpoint", redirecting.as_str());
    refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    on.fill_in("endpoint", endpoint.as_str());
    on.fill_in("secret_key", "another-key-altogether");
    refusal(&on.cos, on.validate().await);

    // What other users of the machine could read of it.
    let process = format!("/proc/{}", on.plugin.pid());
    let mut tap = on.watch.tap("arguments and environment");
    tap.write(&fs::read(format!("{process}/cmdline")).unwrap());
    // Where it cannot be read at all, so much the better.
    tap.write(&fs::read(format!("{process}/environ")).unwrap_or_default());
    on.assert_well_behaved();

    on.plugin.close_stdin().await.unwrap();
    assert!(on.plugin.wait_exit(Duration::from_secs(10)).await.unwrap().success());
    let asked = tokio::task::spawn_blocking(|| trace.finish()).await.unwrap();
    let dify =
        on.uploads.url_for(&serde_json::from_value(json!({"filename": "x", "mimetype": "x/x"})).unwrap(), "", "");
    let known =
        [port(&on.cos.url()), port(&dify), port(&redirecting)].map(|port| Peer::Internet("127.0.0.1".into(), port));
    assert!(known.iter().all(|peer| asked.peers.contains(peer)), "{:?}", asked.peers);
    assert!(asked.peers.iter().all(|peer| known.contains(peer)), "{:?}", asked.peers);
    assert_eq!((asked.changes, asked.listened), (vec![], vec![]));
    assert_eq!(asked.programs.len(), 1, "{:?}", asked.programs);
    assert_eq!(asked.failed_changes, [""; 0]);
}

#[tokio::test]
async fn the_name_that_is_looked_up_is_the_endpoints() {
    let Some(trace) = Trace::begin() else { return };
    let mut on = OnEmulator::start_set_up(|command| trace.wrap(command)).await;
    on.fill_in("endpoint", "http://no-such-host.invalid/{bucket}");
    refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
    on.plugin.close_stdin().await.unwrap();
    assert!(on.plugin.wait_exit(Duration::from_secs(10)).await.unwrap().success());
    let asked = tokio::task::spawn_blocking(|| trace.finish()).await.unwrap();
    let is_resolver = |peer: &Peer| matches!(peer, Peer::Internet(_, 53) | Peer::Local(_));
    assert!(asked.peers.iter().all(is_resolver), "{:?}", asked.peers);
    let questions: Vec<_> = asked.datagrams.iter().filter(|sent| !sent.contains("AF_NETLINK")).collect();
    assert!(questions.iter().all(|sent| sent.contains("no-such-host")), "{questions:?}");
}
