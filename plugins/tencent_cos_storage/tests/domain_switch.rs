//! Where the user allows it, a bucket that cannot be reached under `myqcloud.com` is asked for under `tencentcos.cn`, at
//! the last attempt.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use cos_emulator::Fault;
use on_emulator::{BUCKET, OnEmulator, refusal};
use serde_json::json;

async fn start() -> OnEmulator {
    let mut on = OnEmulator::start_with_regions().await;
    on.fill_in("auto_switch_domain", true);
    on
}

fn hosts(on: &OnEmulator) -> Vec<String> {
    let host = |domain| format!("{BUCKET}.cos.ap-guangzhou.{domain}");
    let asked: Vec<_> = on.cos.requests().into_iter().map(|request| request.host).collect();
    let known = [host("myqcloud.com"), host("tencentcos.cn")];
    asked
        .into_iter()
        .map(|asked| known.iter().find(|host| **host == asked).unwrap()[BUCKET.len()..].to_owned())
        .collect()
}

#[tokio::test]
async fn the_last_attempt_goes_to_the_other_domain() {
    let on = start().await;
    on.put("docs/a.txt", "a");
    on.cos.faults().inject(Fault::Gateway { status: 502 }.times(100).host("myqcloud.com"));
    let listed = on.browse(json!({"bucket": BUCKET, "prefix": "docs/"})).await.unwrap();
    assert_eq!(listed.result[0].files.len(), 1);
    let [first, last] = [".cos.ap-guangzhou.myqcloud.com", ".cos.ap-guangzhou.tencentcos.cn"];
    assert_eq!(hosts(&on), [first, first, last]);
    let file = on.download(BUCKET, "docs/a.txt").await.unwrap();
    assert_eq!(file.content.as_deref(), Some(&b"a"[..]));
    assert_eq!(hosts(&on), [first, first, last, first, first, last]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_download_goes_on_at_the_domain_where_it_began() {
    let on = start().await;
    on.put("a.txt", &"0123456789".repeat(10_000));
    on.cos.faults().inject(Fault::Gateway { status: 502 }.times(2).host("myqcloud.com"));
    on.cos.faults().inject(Fault::CutBody { after: 65_536 }.host("tencentcos.cn"));
    let file = on.download(BUCKET, "a.txt").await.unwrap();
    assert_eq!(file.content.unwrap(), "0123456789".repeat(10_000).as_bytes());
    assert!(hosts(&on)[2..].iter().all(|host| host.ends_with("tencentcos.cn")), "{:?}", hosts(&on));
}

#[tokio::test]
async fn what_cos_itself_refuses_stays_at_its_domain() {
    let on = start().await;
    on.cos.faults().inject(Fault::SlowDown.times(3));
    let error = refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
    assert!(error.message.contains("fewer requests"), "{}", error.message);
    assert_eq!(hosts(&on), [".cos.ap-guangzhou.myqcloud.com"; 3]);
}
