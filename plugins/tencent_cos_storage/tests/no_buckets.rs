//! An account without a bucket has an empty list, and is no error.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use cos_emulator::CosEmulator;
use on_emulator::OnEmulator;
use serde_json::json;

#[tokio::test]
async fn an_account_without_buckets_is_an_empty_list() {
    let cos = CosEmulator::builder().credentials("AKIDnone-of-them", "key-of-nobody").start().await.unwrap();
    let on = OnEmulator::start_without_bucket(cos).await;
    assert_eq!(on.browse(json!({"bucket": null, "prefix": ""})).await.unwrap().result, []);
    on.validate().await.unwrap();
    on.assert_well_behaved();
}
