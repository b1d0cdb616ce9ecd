//! A datasource answers a download with one file in one message.
#![allow(clippy::unwrap_used)]

#[path = "plugin/misbehaving.rs"]
mod misbehaving;

use dify_plugin_host::{CallFailure, Carrier, Ended};
use misbehaving::{download, failure_of, start};

#[tokio::test]
async fn a_file_in_one_message_arrives() {
    let file = start().await.download_file(download("drive file:3000000")).await.unwrap();
    assert_eq!((file.size, file.carrier, file.name.as_deref()), (3_000_000, Carrier::Blob, Some("f.txt")));
}

#[tokio::test]
async fn what_dify_would_show_no_file_for_is_a_failure() {
    let plugin = start().await;
    assert_eq!(failure_of(&plugin, download("nothing")).await, CallFailure::NoFile);
    assert_eq!(failure_of(&plugin, download("text")).await, CallFailure::NoFile);
    assert_eq!(failure_of(&plugin, download("file:10")).await, CallFailure::ChunksFromDatasource);
    assert_eq!(failure_of(&plugin, download("two drive files")).await, CallFailure::SeveralFiles);
    assert_eq!(
        failure_of(&plugin, download("filename")).await,
        CallFailure::WrongNameKey { found: "filename", expected: "file_name" }
    );
}

#[tokio::test]
async fn a_file_too_long_for_a_line_costs_the_process() {
    let plugin = start().await;
    let failure = plugin.download_file(download("drive file:4000000")).await.unwrap_err();
    assert!(matches!(failure, CallFailure::ProcessEnded { reason: Ended::LineTooLong, .. }), "{failure}");
}
