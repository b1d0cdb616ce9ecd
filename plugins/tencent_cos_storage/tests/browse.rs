//! Buckets, folders and their pages, as Dify's file picker walks through them.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::collections::BTreeSet;

use cos_emulator::{Fault, Operation};
use dify_plugin_protocol::{Bucket, DriveFileType};
use on_emulator::{BUCKET, OnEmulator, refusal};
use serde_json::{Map, Value, json};

/// The one bucket of an answer.
fn bucket(mut result: Vec<Bucket>) -> Bucket {
    assert_eq!(result.len(), 1, "{result:?}");
    result.remove(0)
}

fn entries(bucket: &Bucket) -> Vec<(&str, &str, u64, DriveFileType)> {
    bucket.files.iter().map(|file| (file.id.as_str(), file.name.as_str(), file.size, file.r#type)).collect()
}

#[tokio::test]
async fn without_a_bucket_it_lists_the_buckets() {
    let on = OnEmulator::start().await;
    on.cos.create_bucket("alpha-1250000000", "ap-beijing").unwrap();
    for asked in [json!(null), json!("")] {
        let result = on.browse(json!({"bucket": asked, "prefix": "", "max_keys": 20})).await.unwrap().result;
        let expected = ["alpha-1250000000", BUCKET].map(|name| Bucket {
            bucket: Some(name.to_owned()),
            files: vec![],
            is_truncated: false,
            next_page_parameters: Some(Map::new()),
        });
        assert_eq!(result, expected);
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn the_root_has_folders_and_files() {
    let on = OnEmulator::start().await;
    for key in ["readme.md", "docs/", "docs/a.txt", "img/x/y.png", "empty.txt"] {
        on.put(key, if key == "empty.txt" { "" } else { "12345" });
    }
    let result = on.browse(json!({"bucket": BUCKET, "prefix": "", "max_keys": 20})).await.unwrap().result;
    let root = bucket(result);
    assert_eq!(root.bucket.as_deref(), Some(BUCKET));
    assert_eq!((root.is_truncated, &root.next_page_parameters), (false, &Some(Map::new())));
    assert_eq!(
        entries(&root),
        [
            ("docs/", "docs", 0, DriveFileType::Folder),
            ("img/", "img", 0, DriveFileType::Folder),
            ("empty.txt", "empty.txt", 0, DriveFileType::File),
            ("readme.md", "readme.md", 5, DriveFileType::File),
        ]
    );
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_folder_is_paged_without_loss_whatever_the_names() {
    let on = OnEmulator::start().await;
    let names = [
        "a b.txt",
        "plus+.txt",
        "50%25.txt",
        "q?x=1&y#z.txt",
        "报告 一.txt",
        "😀.pdf",
        "quote\"'<&>.xml",
        "tab\there",
        "line\nbreak",
        "\u{1}control",
        ".hidden",
        "..",
        "back\\slash",
        "trailing ",
        "trailing dots...",
        "./dot",
        "../up",
        "//two",
        "\u{7f}\u{85}",
        "sub/inner",
        "sub2/",
        "/empty name",
    ];
    on.put("docs/", "");
    for name in names {
        on.put(&format!("docs/{name}"), name);
    }
    let expected: BTreeSet<(String, u64)> = names
        .into_iter()
        .map(|name| match name.split_once('/') {
            Some((folder, _)) => (format!("docs/{folder}/"), 0),
            None => (format!("docs/{name}"), name.len() as u64),
        })
        .collect();
    for max_keys in [1, 2, 5, expected.len(), 1000] {
        let mut seen = BTreeSet::new();
        let mut next = json!(null);
        loop {
            let request =
                json!({"bucket": BUCKET, "prefix": "docs/", "max_keys": max_keys, "next_page_parameters": next});
            let page = bucket(on.browse(request).await.unwrap().result);
            assert!(page.files.len() == max_keys || !page.is_truncated && page.files.len() < max_keys);
            for file in page.files {
                assert!(seen.insert((file.id.clone(), file.size)), "{} came twice", file.id);
            }
            if !page.is_truncated {
                assert_eq!(page.next_page_parameters, Some(Map::new()));
                break;
            }
            next = Value::Object(page.next_page_parameters.unwrap());
        }
        assert_eq!(seen, expected, "in pages of {max_keys}");
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_page_takes_one_request() {
    let on = OnEmulator::start().await;
    for number in 0..30 {
        on.put(&format!("docs/{number:02}"), "");
    }
    let page = json!({"bucket": BUCKET, "prefix": "docs/", "max_keys": 15});
    let page = bucket(on.browse(page).await.unwrap().result);
    assert_eq!((page.files.len(), page.is_truncated), (15, true));
    assert_eq!(page.next_page_parameters, json!({"marker": "docs/14"}).as_object().cloned());
    assert_eq!(on.cos.requests().len(), 1);
}

#[tokio::test]
async fn an_import_of_a_folder_gets_it_on_one_page() {
    let on = OnEmulator::start().await;
    for number in 0..1010 {
        on.put(&format!("docs/{number:04}"), "");
    }
    // Newer versions of Dify drop what comes after the first page, for which they ask so, 20 being the default.
    for request in
        [json!({"bucket": BUCKET, "prefix": "docs/"}), json!({"bucket": BUCKET, "prefix": "docs/", "max_keys": 20})]
    {
        let page = bucket(on.browse(request).await.unwrap().result);
        assert_eq!((page.files.len(), page.is_truncated), (1000, true));
        let next = json!(page.next_page_parameters);
        let rest = json!({"bucket": BUCKET, "prefix": "docs/", "max_keys": 20, "next_page_parameters": next});
        let rest = bucket(on.browse(rest).await.unwrap().result);
        assert_eq!((rest.files.len(), rest.is_truncated), (10, false));
    }
}

#[tokio::test]
async fn max_keys_beyond_what_cos_lists_is_what_cos_lists() {
    let on = OnEmulator::start().await;
    for number in 0..1001 {
        on.put(&format!("{number:04}"), "");
    }
    for (asked, given) in [(0, 1), (u32::MAX, 1000)] {
        let page = bucket(on.browse(json!({"bucket": BUCKET, "prefix": "", "max_keys": asked})).await.unwrap().result);
        assert_eq!((page.files.len(), page.is_truncated), (given, true));
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_found() {
    let on = OnEmulator::start_with_regions().await;
    on.cos.create_bucket("far-1250000000", "ap-singapore").unwrap();
    on.cos.put_object("far-1250000000", "a.txt", "away").unwrap();
    let page = bucket(on.browse(json!({"bucket": "far-1250000000", "prefix": ""})).await.unwrap().result);
    assert_eq!(entries(&page), [("a.txt", "a.txt", 4, DriveFileType::File)]);
    let hosts: Vec<_> = on.cos.requests().into_iter().map(|request| (request.host, request.status)).collect();
    assert_eq!(
        hosts,
        [
            ("far-1250000000.cos.ap-guangzhou.myqcloud.com".to_owned(), 404),
            ("service.cos.myqcloud.com".to_owned(), 200),
            ("far-1250000000.cos.ap-singapore.myqcloud.com".to_owned(), 200),
        ]
    );
    assert_eq!(on.download("far-1250000000", "a.txt").await.unwrap().content.as_deref(), Some(&b"away"[..]));
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_bucket_that_is_nowhere_is_named() {
    for on in [OnEmulator::start().await, OnEmulator::start_with_regions().await] {
        let error = refusal(&on.cos, on.browse(json!({"bucket": "gone-1250000000", "prefix": ""})).await);
        assert_eq!(error.error_type, "NoSuchBucket");
        assert!(error.message.contains("gone-1250000000"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_keeps_failing_is_an_error_in_words_and_the_next_call_works() {
    let on = OnEmulator::start().await;
    on.put("a.txt", "a");
    on.cos.faults().inject(Fault::SlowDown.times(3).on(Operation::ListObjects));
    let error = refusal(&on.cos, on.browse(json!({"bucket": BUCKET, "prefix": ""})).await);
    assert!(error.message.contains("fewer requests"), "{}", error.message);
    assert_eq!(bucket(on.browse(json!({"bucket": BUCKET, "prefix": ""})).await.unwrap().result).files.len(), 1);
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_marker_that_is_no_text_is_an_error_that_names_it() {
    let on = OnEmulator::start().await;
    let request = json!({"bucket": BUCKET, "prefix": "", "next_page_parameters": {"marker": 1}});
    let error = refusal(&on.cos, on.browse(request).await);
    assert_eq!((error.error_type.as_str(), error.message.contains("marker")), ("ValueError", true));
}
