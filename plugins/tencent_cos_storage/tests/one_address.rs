//! A bucket that cannot be reached is asked for at its own address and at no other: not at COS's second domain, and not
//! where a redirect points.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/redirecting.rs"]
mod redirecting;

use cos_emulator::Fault;
use on_emulator::{BUCKET, OnEmulator, refusal};
use redirecting::redirecting_to;
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::test]
async fn an_address_out_of_reach_is_not_exchanged() {
    let on = OnEmulator::start_with_regions().await;
    on.put("a.txt", "a");
    on.cos.faults().inject(Fault::Gateway { status: 502 }.times(100));
    refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
    refusal(&on.cos, on.download(BUCKET, "a.txt").await);
    let hosts: Vec<_> = on.cos.requests().into_iter().map(|request| request.host).collect();
    assert_eq!(hosts, vec![format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com"); hosts.len()]);
    assert!(hosts.len() >= 2, "{hosts:?}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn the_second_domain_can_be_chosen() {
    let mut on = OnEmulator::start_with_regions().await;
    on.put("a.txt", "a");
    on.fill_in("endpoint", "http://{bucket}.cos.{region}.tencentcos.cn");
    assert_eq!(on.download(BUCKET, "a.txt").await.unwrap().content.as_deref(), Some(&b"a"[..]));
    assert_eq!(on.cos.requests()[0].host, format!("{BUCKET}.cos.ap-guangzhou.tencentcos.cn"));
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_redirect_elsewhere_is_refused_and_named_without_its_query() {
    let mut on = OnEmulator::start().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", elsewhere.local_addr().unwrap());
    on.fill_in("endpoint", redirecting_to(origin.clone()).await);
    for error in [
        refusal(&on.cos, on.validate().await),
        refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await),
        refusal(&on.cos, on.download(BUCKET, "a.txt").await),
    ] {
        assert!(error.message.contains(&format!("redirects to {origin}")), "{}", error.message);
        assert!(!error.message.contains("q-"), "{}", error.message);
    }
    // Nobody came.
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), elsewhere.accept()).await;
    assert!(waited.is_err());
    on.assert_well_behaved();
}
