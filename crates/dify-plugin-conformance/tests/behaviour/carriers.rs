//! Files of every size reach Dify, each on a way that can carry it, and memory stays flat.

use crate::vectors_plugin::{Hash, MIB, download, emit, expected, growth_of, start, start_with};
use dify_plugin_host::{CallFailure, CallRequest, Carrier, DifyHost, UploadEndpoint, UploadFault};
use serde_json::json;

const LARGE: u64 = 300 * MIB;

/// What the plugin may use beyond what it used after a first small call, whatever the size of the file.
const GROWTH: u64 = 8 * MIB;

async fn uploads_to(hash: &Hash) -> UploadEndpoint {
    let hash = hash.clone();
    UploadEndpoint::builder().files_to(move |_| Ok(hash.sink())).start().await.unwrap()
}

#[tokio::test]
async fn a_tool_sends_300_mb_as_chunks_where_dify_merges_that_much() {
    let dify = DifyHost::builder().merged_file_limit(LARGE).build();
    let plugin = start_with("tool", &dify, &[("PLUGIN_MAX_FILE_SIZE", &LARGE.to_string())]).await;
    plugin.invoke_tool(emit(json!({"kind": "stream", "size": 100_000}))).await.unwrap();
    let hash = Hash::default();
    let call = CallRequest::from(emit(json!({"kind": "stream", "size": LARGE})));
    let (growth, answer) = growth_of(&plugin, call, &hash).await;
    assert_eq!(answer.files[0].carrier, Carrier::Chunks);
    assert_eq!(hash.finish(), expected(LARGE));
    println!("300 MB as chunks: memory grew by {} KiB", growth / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
}

#[tokio::test]
async fn a_tool_uploads_300_mb_where_dify_does_not_merge_that_much() {
    let hash = Hash::default();
    let dify = DifyHost::builder().uploads(uploads_to(&hash).await).build();
    let plugin = start("tool", &dify).await;
    plugin.invoke_tool(emit(json!({"kind": "stream", "size": 100_000}))).await.unwrap();
    let call = CallRequest::from(emit(json!({"kind": "stream", "size": LARGE})));
    let (growth, answer) = growth_of(&plugin, call, &Hash::default()).await;
    assert_eq!((answer.files[0].carrier, answer.files[0].size), (Carrier::Link, LARGE));
    assert_eq!(hash.finish(), expected(LARGE));
    println!("300 MB of a tool as an upload: memory grew by {} KiB", growth / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
}

#[tokio::test]
async fn a_datasource_uploads_300_mb() {
    let hash = Hash::default();
    let dify = DifyHost::builder().uploads(uploads_to(&hash).await).build();
    let plugin = start("drive", &dify).await;
    plugin.download_file(download("generated/1000")).await.unwrap();
    let call = CallRequest::from(download(&format!("generated/{LARGE}")));
    let (growth, answer) = growth_of(&plugin, call, &Hash::default()).await;
    assert_eq!((answer.files[0].carrier, answer.files[0].size), (Carrier::Link, LARGE));
    assert_eq!(hash.finish(), expected(LARGE));
    println!("300 MB of a datasource as an upload: memory grew by {} KiB", growth / 1024);
    assert!(growth < GROWTH, "grew by {growth} bytes");
}

#[tokio::test]
async fn a_datasource_sends_one_line_as_long_as_it_can() {
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let plugin = start("drive", &dify).await;
    for kind in ["generated", "unknown"] {
        let small = plugin.download_file(download(&format!("{kind}/3800000"))).await.unwrap();
        assert_eq!((small.carrier, small.size), (Carrier::Blob, 3_800_000), "{kind}");
        let large = plugin.download_file(download(&format!("{kind}/4200000"))).await.unwrap();
        assert_eq!((large.carrier, large.size), (Carrier::Link, 4_200_000), "{kind}");
    }
}

#[tokio::test]
async fn the_longest_line_is_used_to_its_last_byte() {
    // Around the point where base64 no longer fits; the host kills the plugin for a line that is too long.
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let plugin = start("drive", &dify).await;
    let mut carriers = Vec::new();
    for size in (3_931_000..3_932_200).step_by(97).chain([3_932_158, 3_932_159, 3_932_160]) {
        let file = plugin.download_file(download(&format!("generated/{size}"))).await.unwrap();
        assert_eq!(file.size, size);
        carriers.push(file.carrier);
    }
    assert_eq!((carriers.first(), carriers.last()), (Some(&Carrier::Blob), Some(&Carrier::Link)));
    assert!(carriers.is_sorted_by_key(|carrier| *carrier == Carrier::Link));
}

#[tokio::test]
async fn a_file_of_unknown_length_takes_the_way_that_it_turns_out_to_need() {
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await.unwrap()).build();
    let plugin = start("tool", &dify).await;
    for (size, carrier) in [(0, Carrier::Chunks), (500_000, Carrier::Chunks), (5 * MIB, Carrier::Link)] {
        let answer = plugin.invoke_tool(emit(json!({"kind": "stream_unknown", "size": size}))).await.unwrap();
        assert_eq!((answer.files[0].carrier, answer.files[0].size), (carrier, size));
    }
}

#[tokio::test]
async fn without_an_upload_url_chunks_carry_what_dify_merges_and_the_user_reads_about_the_rest() {
    let dify = DifyHost::builder().build();
    let plugin = start("tool", &dify).await;
    let answer = plugin.invoke_tool(emit(json!({"kind": "stream_unknown", "size": 5 * MIB}))).await.unwrap();
    assert_eq!((answer.files[0].carrier, answer.files[0].size), (Carrier::Chunks, 5 * MIB));
    for kind in ["stream", "stream_unknown"] {
        let refused = plugin.invoke_tool(emit(json!({"kind": kind, "size": 31 * MIB}))).await;
        let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
        assert!(error.message.contains("big.bin") && error.message.contains("31457280"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_keeps_an_upload_from_happening_is_told() {
    let uploads = UploadEndpoint::start().await.unwrap();
    let dify = DifyHost::builder().uploads(uploads.clone()).build();
    let plugin = start("drive", &dify).await;
    // A server that refuses before it has read everything may be heard, or only be gone.
    let refused_early = ["larger than Dify", "takes only smaller files"];
    for (fault, expected) in [
        (UploadFault::EmptyUrl, ["FILES_URL"; 2]),
        (UploadFault::RelativeUrl, ["FILES_URL"; 2]),
        (UploadFault::UnreachableUrl, ["connection refused"; 2]),
        (UploadFault::Refuse(413), refused_early),
    ] {
        uploads.set_fault(Some(fault));
        let refused = plugin.download_file(download("generated/4200000")).await;
        let Err(CallFailure::Plugin(error)) = refused else { panic!("{refused:?}") };
        assert!(expected.iter().any(|expected| error.message.contains(expected)), "{fault:?}: {}", error.message);
    }
    uploads.set_fault(None);
    assert_eq!(plugin.download_file(download("generated/4200000")).await.unwrap().size, 4_200_000);
}

#[tokio::test]
async fn a_file_that_breaks_off_is_not_blamed_on_dify() {
    let uploads = UploadEndpoint::start().await.unwrap();
    let dify = DifyHost::builder().uploads(uploads.clone()).build();
    let plugin = start("drive", &dify).await;
    for size in [1000, 6_000_000] {
        let failed = plugin.download_file(download(&format!("failing/{size}"))).await;
        let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
        assert_eq!((error.error_type.as_str(), error.message.as_str()), ("BrokenStorage", "the storage broke"));
    }
    assert_eq!(uploads.file_count(), 0);
}

#[tokio::test]
async fn a_file_that_stops_in_the_middle_of_its_chunks_is_told_whatever_the_tool_makes_of_it() {
    let plugin = start("tool", &DifyHost::builder().build()).await;
    let failed = plugin.invoke_tool(emit(json!({"kind": "broken_file", "size": 1_000_000}))).await;
    let Err(CallFailure::Plugin(error)) = failed else { panic!("{failed:?}") };
    assert_eq!((error.error_type.as_str(), error.message.as_str()), ("BrokenStorage", "the storage broke"));
    // One that breaks before a chunk is out costs nothing but itself.
    let answer = plugin.invoke_tool(emit(json!({"kind": "broken_file", "size": 1000}))).await.unwrap();
    assert_eq!((answer.files.len(), answer.files[0].name.as_deref()), (1, Some("whole.txt")));
}
