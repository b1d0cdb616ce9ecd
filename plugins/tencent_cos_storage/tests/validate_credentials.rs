//! Saving credentials lists the buckets once; what is wrong is said in words and never repeated.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use on_emulator::{OnEmulator, refusal};

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
        ("region", "", "region"),
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
