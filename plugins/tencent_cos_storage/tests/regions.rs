//! Each bucket is asked for in its own region; what one account is told is never used for another.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use cos_emulator::{CosEmulator, Fault, Operation};
use on_emulator::{BUCKET, OnEmulator, refusal};
use serde_json::json;

const SERVICE: &str = "service.cos.myqcloud.com";
const FAR: &str = "far-1250000000";
const FAR_HOST: &str = "far-1250000000.cos.ap-singapore.myqcloud.com";

impl OnEmulator {
    /// The hosts that were asked since the last time, with what they answered.
    fn asked(&self, since: &mut usize) -> Vec<(String, u16)> {
        let requests = self.cos.requests();
        let new = requests[*since..].iter().map(|request| (request.host.clone(), request.status)).collect();
        *since = requests.len();
        new
    }
}

async fn with_a_far_bucket() -> OnEmulator {
    let on = OnEmulator::start_with_regions().await;
    on.cos.create_bucket(FAR, "ap-singapore").unwrap();
    on.cos.put_object(FAR, "a.txt", "away").unwrap();
    on
}

fn ok(host: &str) -> (String, u16) {
    (host.to_owned(), 200)
}

#[tokio::test]
async fn without_a_region_the_list_of_buckets_is_asked_once() {
    let mut on = with_a_far_bucket().await;
    on.leave_out("region");
    let mut since = 0;
    assert_eq!(on.download(FAR, "a.txt").await.unwrap().content.as_deref(), Some(&b"away"[..]));
    assert_eq!(on.asked(&mut since), [ok(SERVICE), ok(FAR_HOST)]);
    on.browse(json!({"bucket": FAR, "prefix": ""})).await.unwrap();
    on.browse(json!({"bucket": BUCKET, "prefix": ""})).await.unwrap();
    assert_eq!(on.asked(&mut since), [ok(FAR_HOST), ok("docs-1250000000.cos.ap-guangzhou.myqcloud.com")]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn showing_the_buckets_tells_their_regions() {
    let on = with_a_far_bucket().await;
    let mut since = 0;
    on.browse(json!({"bucket": null, "prefix": ""})).await.unwrap();
    on.browse(json!({"bucket": FAR, "prefix": ""})).await.unwrap();
    assert_eq!(on.asked(&mut since), [ok(SERVICE), ok(FAR_HOST)]);
}

#[tokio::test]
async fn the_region_in_the_users_list_is_taken_as_it_is() {
    let mut on = with_a_far_bucket().await;
    on.fill_in("buckets", format!("{FAR}@ap-singapore"));
    let mut since = 0;
    let shown = on.browse(json!({"bucket": null, "prefix": ""})).await.unwrap().result;
    assert_eq!(shown.iter().map(|bucket| bucket.bucket.as_deref().unwrap()).collect::<Vec<_>>(), [FAR]);
    assert_eq!(on.asked(&mut since), []);
    on.download(FAR, "a.txt").await.unwrap();
    assert_eq!(on.asked(&mut since), [ok(FAR_HOST)]);
    // A bucket that is there, and not in the list.
    let error = refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
    assert!(error.message.contains(&format!("{BUCKET} is not in the list of buckets")), "{}", error.message);
    assert_eq!(on.asked(&mut since), []);
}

#[tokio::test]
async fn without_a_way_to_the_region_it_says_what_to_fill_in() {
    let mut on = with_a_far_bucket().await;
    on.leave_out("region");
    let error = refusal(&on.cos, on.download("gone-1250000000", "a.txt").await);
    assert_eq!(error.error_type, "NoSuchBucket");
    assert!(error.message.contains("gone-1250000000@region"), "{}", error.message);
    let denied = Fault::Status { status: 403, code: "AccessDenied".to_owned() };
    on.cos.faults().inject(denied.times(10).on(Operation::ListBuckets));
    let error = refusal(&on.cos, on.download("other-1250000000", "a.txt").await);
    for words in ["fill in the region", "other-1250000000@region", "cos:GetService", "request id"] {
        assert!(error.message.contains(words), "{words}: {}", error.message);
    }
}

/// The accounts take turns, each with buckets in other regions and with an object of the same key.
#[tokio::test]
async fn two_accounts_never_mix() {
    let accounts = [
        ("AKIDone-of-two", "key-one-of-two", "one", "ap-beijing"),
        ("AKIDtwo-of-two", "key-two-of-two", "two", "ap-singapore"),
    ];
    let builder = accounts.iter().fold(CosEmulator::builder(), |builder, (id, key, ..)| builder.credentials(*id, *key));
    let mut on = OnEmulator::start_with_regions_on(builder.start().await.unwrap()).await;
    for (id, _, name, region) in accounts {
        let bucket = format!("{name}-1250000000");
        on.cos.create_bucket_of(id, &bucket, region).unwrap();
        on.cos.put_object(&bucket, "same.txt", format!("of {name}")).unwrap();
    }
    on.leave_out("region");
    for round in 0..3 {
        for (number, (id, key, name, region)) in accounts.into_iter().enumerate() {
            let (own, foreign) = (format!("{name}-1250000000"), format!("{}-1250000000", accounts[1 - number].2));
            on.fill_in("secret_id", id);
            on.fill_in("secret_key", key);
            let before = on.cos.requests().len();
            let shown = on.browse(json!({"bucket": null, "prefix": ""})).await.unwrap().result;
            let names: Vec<_> = shown.into_iter().map(|bucket| bucket.bucket.unwrap()).collect();
            assert_eq!(names, [BUCKET.to_owned(), own.clone()], "round {round}");
            let file = on.download(&own, "same.txt").await.unwrap();
            assert_eq!(file.content.as_deref(), Some(format!("of {name}").as_bytes()));
            for refused in [
                refusal(&on.cos, on.download(&foreign, "same.txt").await),
                refusal(&on.cos, on.browse(json!({"bucket": foreign, "prefix": ""})).await),
            ] {
                assert_eq!(refused.error_type, "NoSuchBucket", "{}", refused.message);
            }
            for request in &on.cos.requests()[before..] {
                assert_eq!(request.secret_id.as_deref(), Some(id), "signed by another account");
                let expected = [SERVICE.to_owned(), format!("{own}.cos.{region}.myqcloud.com")];
                assert!(expected.contains(&request.host), "{id} asked {}", request.host);
            }
        }
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_bucket_that_was_made_anew_elsewhere_is_found_again() {
    let mut on = with_a_far_bucket().await;
    on.leave_out("region");
    on.download(FAR, "a.txt").await.unwrap();
    on.cos.remove_bucket(FAR).unwrap();
    on.cos.create_bucket(FAR, "eu-frankfurt").unwrap();
    on.cos.put_object(FAR, "a.txt", "moved").unwrap();
    let mut since = on.cos.requests().len();
    assert_eq!(on.download(FAR, "a.txt").await.unwrap().content.as_deref(), Some(&b"moved"[..]));
    let new_host = "far-1250000000.cos.eu-frankfurt.myqcloud.com";
    assert_eq!(on.asked(&mut since), [(FAR_HOST.to_owned(), 404), ok(SERVICE), ok(new_host)]);
    on.download(FAR, "a.txt").await.unwrap();
    assert_eq!(on.asked(&mut since), [ok(new_host)]);
}
