//! The plugin answers over HTTP as it does over pipes.
#![allow(clippy::unwrap_used)]

#[path = "plugin/calls.rs"]
mod calls;

use std::process::Command;

use cos_emulator::CosEmulator;
use dify_plugin_host::{CallFailure, Carrier, DifyHost, ServerlessProcess, UploadEndpoint};
use serde_json::json;

const BUCKET: &str = "docs-1250000000";

#[tokio::test]
async fn credentials_folders_and_files() {
    let cos = CosEmulator::builder().start().await.unwrap();
    cos.create_bucket(BUCKET, "ap-guangzhou").unwrap();
    cos.put_object(BUCKET, "a.txt", "small".to_owned()).unwrap();
    cos.put_object(BUCKET, "large.txt", "x".repeat(8_000_000)).unwrap();
    let credentials = json!({"secret_id": cos.secret_id(), "secret_key": cos.secret_key(), "region": "ap-guangzhou",
        "endpoint": cos.endpoint()});
    let mut credentials = credentials.as_object().unwrap().clone();

    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify-tencent-cos"));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    let process = ServerlessProcess::start(command, &dify).await.unwrap();
    let plugin = process.plugin();

    plugin.validate_datasource_credentials(&calls::validate(&credentials)).await.unwrap();
    let page = calls::browse(&credentials, json!({"bucket": BUCKET, "prefix": "", "max_keys": 20}));
    assert_eq!(plugin.call(page).await.unwrap().results.len(), 1);
    let small = plugin.download_file(calls::download(&credentials, BUCKET, "a.txt")).await.unwrap();
    assert_eq!((small.carrier, small.content.as_deref()), (Carrier::Blob, Some(&b"small"[..])));
    // Too large for one line: it goes by a call back, which is a request of its own.
    let large = plugin.download_file(calls::download(&credentials, BUCKET, "large.txt")).await.unwrap();
    assert_eq!((large.carrier, large.size), (Carrier::Link, 8_000_000));

    credentials.insert("secret_key".to_owned(), "open-sesame".into());
    let refused = plugin.validate_datasource_credentials(&calls::validate(&credentials)).await;
    let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
    assert!(error.message.contains("secret key is wrong") && !error.message.contains("sesame"), "{}", error.message);
}
