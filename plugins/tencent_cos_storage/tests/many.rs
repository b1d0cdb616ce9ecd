//! Folders of ten thousand objects and accounts of three thousand buckets, page by page, without loss.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::collections::BTreeSet;

use dify_plugin_protocol::DriveFileType;
use on_emulator::{BUCKET, OnEmulator};
use serde_json::{Value, json};

/// The ids of each page of a folder.
async fn pages(on: &OnEmulator, prefix: &str, max_keys: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = json!({});
    loop {
        let request = json!({"bucket": BUCKET, "prefix": prefix, "max_keys": max_keys, "next_page_parameters": next});
        let page = on.browse(request).await.unwrap().result.remove(0);
        let first_file = page.files.iter().position(|file| file.r#type == DriveFileType::File);
        let folders = page.files.iter().filter(|file| file.r#type == DriveFileType::Folder).count();
        assert!(first_file.is_none_or(|first| first == folders), "a file stands before a folder");
        pages.push(page.files.into_iter().map(|file| file.id).collect());
        if !page.is_truncated {
            return pages;
        }
        next = Value::Object(page.next_page_parameters.unwrap());
    }
}

#[tokio::test]
async fn ten_thousand_objects_in_one_folder() {
    let on = OnEmulator::start().await;
    on.put("many/", "");
    for number in 0..10_000 {
        on.put(&format!("many/{number:05} 报告.txt"), "");
    }
    for (max_keys, lengths) in [(1000, vec![1000; 10]), (999, [vec![999; 10], vec![10]].concat())] {
        let before = on.cos.requests().len();
        let pages = pages(&on, "many/", max_keys).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), lengths);
        assert_eq!(on.cos.requests().len() - before, lengths.len(), "one request makes one page");
        let ids: BTreeSet<_> = pages.concat().into_iter().collect();
        assert_eq!(ids.len(), 10_000);
        assert!(!ids.contains("many/"), "the folder itself is no entry");
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_page_that_ends_on_a_folder_goes_on_behind_it() {
    let on = OnEmulator::start().await;
    for folder in ["a", "b", "c"] {
        on.put(&format!("{folder}/"), "");
        for number in 0..1500 {
            on.put(&format!("{folder}/{number:04}"), "");
        }
    }
    on.put("b.txt", "");
    let all = ["a/", "b.txt", "b/", "c/"].map(str::to_owned);
    for max_keys in 1..=4 {
        let pages = pages(&on, "", max_keys).await;
        let full: Vec<_> = all.chunks(max_keys).map(<[String]>::len).collect();
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), full, "pages of {max_keys}");
        assert_eq!(pages.concat().into_iter().collect::<BTreeSet<_>>(), all.clone().into());
    }
}

#[tokio::test]
async fn three_thousand_buckets() {
    let mut on = OnEmulator::start_with_regions().await;
    on.leave_out("region");
    for number in 0..3000 {
        let region = ["ap-beijing", "ap-singapore", "eu-frankfurt"][number % 3];
        on.cos.create_bucket(&format!("b{number:04}-1250000000"), region).unwrap();
    }
    on.cos.put_object("b2999-1250000000", "a.txt", "last").unwrap();
    let shown = on.browse(json!({"bucket": "", "prefix": ""})).await.unwrap().result;
    let names: BTreeSet<_> = shown.into_iter().map(|bucket| bucket.bucket.unwrap()).collect();
    assert_eq!(names.len(), 3001);
    assert_eq!(on.cos.requests().len(), 2, "COS lists 2000 buckets at once");
    // Their regions are known from now on.
    assert_eq!(on.download("b2999-1250000000", "a.txt").await.unwrap().content.as_deref(), Some(&b"last"[..]));
    assert_eq!(on.cos.requests().len(), 3);
    on.assert_well_behaved();
}
