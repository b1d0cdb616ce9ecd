//! Saving credentials lists the buckets once, or probes those that the user names; what is wrong is said in words and
//! never repeated.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use cos_emulator::{CosEmulator, Fault, Operation};
use on_emulator::calls::watched::SESSION_TOKEN;
use on_emulator::{BUCKET, OnEmulator, refusal};

#[tokio::test]
async fn right_credentials_are_accepted() {
    let mut on = OnEmulator::start().await;
    on.validate().await.unwrap();
    // As pasted.
    let padded = format!(" {}\n", on.cos.secret_key());
    on.fill_in("secret_key", padded);
    on.validate().await.unwrap();
    let asked: Vec<_> = on.cos.requests().into_iter().map(|request| (request.path, request.status)).collect();
    assert_eq!(asked, [("/".to_owned(), 200), ("/".to_owned(), 200)]);
    on.assert_well_behaved();
}

#[tokio::test]
async fn cos_itself_lists_buckets_at_one_address_for_all_regions() {
    let on = OnEmulator::start_with_regions().await;
    on.validate().await.unwrap();
    assert_eq!(on.cos.requests()[0].host, "service.cos.myqcloud.com");
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    for (name, value, words) in [
        ("secret_id", "AKIDsesame", "secret ID is wrong"),
        ("secret_key", "open-sesame", "secret key is wrong"),
        ("endpoint", "ftp://example.com", "https://{bucket}.cos.{region}.myqcloud.com"),
        ("endpoint", "http://127.0.0.1:1/{bucket}", "127.0.0.1:1"),
        ("endpoint", "https://files.example.com", "cannot list buckets"),
        ("secret_id", "", "secret_id"),
        ("secret_key", "", "secret_key"),
        ("buckets", "https://a-1.example", "is not a bucket"),
        ("ca_certificate", "sesame", "the CA certificate cannot be used"),
    ] {
        let mut on = OnEmulator::start().await;
        on.fill_in(name, value);
        let error = refusal(&on.cos, on.validate().await);
        assert_eq!(error.error_type, "DatasourceCredentialValidationError", "{name} {value:?}");
        assert!(error.message.contains(words), "{name} {value:?}: {}", error.message);
        assert!(!error.message.contains("sesame"), "{}", error.message);
        on.assert_well_behaved();
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_named_and_not_repeated() {
    let mut on = OnEmulator::start().await;
    on.fill_in("secret_key", 12_345_678);
    let error = refusal(&on.cos, on.validate().await);
    assert_eq!(error.error_type, "DatasourceCredentialValidationError");
    assert!(error.message.contains("secret_key") && !error.message.contains("12345678"), "{}", error.message);
}

#[tokio::test]
async fn a_region_is_not_needed() {
    let mut on = OnEmulator::start_with_regions().await;
    on.leave_out("region");
    on.validate().await.unwrap();
    on.fill_in("region", "");
    on.validate().await.unwrap();
}

#[tokio::test]
async fn a_key_that_may_not_list_buckets_names_them() {
    let mut on = OnEmulator::start_with_regions().await;
    on.leave_out("region");
    on.cos.faults().inject(denied().times(1000).on(Operation::ListBuckets));
    let error = refusal(&on.cos, on.validate().await);
    for words in ["cos:GetService", "request id", "name the buckets"] {
        assert!(error.message.contains(words), "{words}: {}", error.message);
    }
    on.fill_in("buckets", format!(" {BUCKET}@ap-guangzhou,\n"));
    on.validate().await.unwrap();
    // Without a region there is no way to find it.
    on.fill_in("buckets", BUCKET);
    let error = refusal(&on.cos, on.validate().await);
    assert!(error.message.contains(&format!("write {BUCKET}@region")), "{}", error.message);
}

#[tokio::test]
async fn each_bucket_that_cannot_be_read_is_named() {
    let mut on = OnEmulator::start_with_regions().await;
    on.cos.create_bucket("far-1250000000", "ap-singapore").unwrap();
    on.cos.create_bucket_of("AKIDother", "theirs-1250000000", "ap-beijing").unwrap();
    on.fill_in("buckets", format!("{BUCKET},gone-1250000000@ap-beijing,far-1250000000,theirs-1250000000@ap-beijing"));
    let error = refusal(&on.cos, on.validate().await);
    assert_eq!(error.error_type, "DatasourceCredentialValidationError");
    let message = error.message;
    assert!(message.starts_with("2 of 4 buckets cannot be read: gone-1250000000: there is no bucket"), "{message}");
    assert!(message.contains("; theirs-1250000000: access denied: the credentials lack cos:GetBucket"), "{message}");
    assert_eq!(message.matches("request id").count(), 2, "{message}");
    on.assert_well_behaved();
}

#[tokio::test]
async fn what_is_wrong_with_the_account_is_said_once() {
    let mut on = OnEmulator::start().await;
    on.fill_in("buckets", "a-1,b-1,c-1");
    on.fill_in("secret_key", "another");
    let message = refusal(&on.cos, on.validate().await).message;
    assert!(message.starts_with("the secret key is wrong") && message.len() < 300, "{message}");
}

#[tokio::test]
async fn a_temporary_key_has_a_token() {
    let cos = CosEmulator::builder().session_token(SESSION_TOKEN).start().await.unwrap();
    let mut on = OnEmulator::start_with_regions_on(cos).await;
    assert!(refusal(&on.cos, on.validate().await).message.contains("secret ID is wrong"));
    on.fill_in("session_token", format!(" {SESSION_TOKEN}\n"));
    on.validate().await.unwrap();
    for code in ["ExpiredToken", "InvalidToken"] {
        on.cos.faults().inject(Fault::Status { status: 403, code: code.to_owned() });
        let error = refusal(&on.cos, on.validate().await);
        assert!(error.message.contains("has expired or its session token is wrong"), "{}", error.message);
        assert!(!error.message.contains("sesame"), "{}", error.message);
    }
    assert!(!on.plugin.stderr().contains("sesame"));
}

#[tokio::test]
async fn a_wrong_clock_is_measured() {
    let on = OnEmulator::start().await;
    for (seconds, way) in [(7200, "behind"), (-7200, "ahead of")] {
        on.cos.faults().inject(Fault::ClockSkew { seconds });
        let message = refusal(&on.cos, on.validate().await).message;
        let told = message.strip_prefix("this machine's clock is ").unwrap_or_else(|| panic!("{message}"));
        let (amount, rest) = told.split_once(" s ").unwrap();
        assert!((7195..=7205).contains(&amount.parse::<u32>().unwrap()), "{message}");
        assert!(rest.starts_with(way) && message.contains("request id"), "{message}");
    }
}

fn denied() -> Fault {
    Fault::Status { status: 403, code: "AccessDenied".to_owned() }
}
