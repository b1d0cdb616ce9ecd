use std::{
    collections::BTreeSet,
    time::{Duration, UNIX_EPOCH},
};

use cos_emulator::ObjectOptions;

use crate::client::{BUCKET, Request, server};

#[tokio::test]
async fn an_object_is_listed_with_all_its_fields() {
    let server = server().await;
    let options = ObjectOptions {
        storage_class: Some("ARCHIVE".into()),
        last_modified: Some(UNIX_EPOCH + Duration::from_secs(1_704_067_200)),
        ..ObjectOptions::default()
    };
    server.put_object_with(BUCKET, "a<&>\".txt", "12345", options).unwrap();
    let list = Request::bucket(&server).send();
    assert_eq!(list.header("content-type"), Some("application/xml"));
    assert_eq!(list.all("Key"), ["a<&>\".txt"]);
    assert_eq!(list.all("Size"), ["5"]);
    assert_eq!(list.all("LastModified"), ["2024-01-01T00:00:00.000Z"]);
    assert_eq!(list.all("StorageClass"), ["ARCHIVE"]);
    assert_eq!(list.all("ID"), ["1250000000"]);
    let etag = list.one("ETag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let head = Request::object(&server, "a<&>\".txt").method("HEAD").send();
    assert_eq!(head.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn pages_join_to_the_whole_bucket() {
    let server = server().await;
    let keys: BTreeSet<String> = (0..2500).map(|n| format!("k{n}/x")).collect();
    for key in &keys {
        server.put_object(BUCKET, key, "").unwrap();
    }
    for (delimiter, tag, expected) in
        [("", "Key", keys.clone()), ("/", "CommonPrefixes", (0..2500).map(|n| format!("k{n}/")).collect())]
    {
        let mut got = Vec::new();
        let mut marker = String::new();
        let mut sizes = Vec::new();
        loop {
            let page = Request::bucket(&server)
                .query("delimiter", delimiter)
                .query("marker", &marker)
                .query("max-keys", "9999")
                .send();
            assert_eq!(page.one("MaxKeys").unwrap(), "1000");
            let names: Vec<String> = page
                .all(tag)
                .into_iter()
                .map(|text| text.trim().trim_start_matches("<Prefix>").trim_end_matches("</Prefix>").to_owned())
                .collect();
            sizes.push(names.len());
            got.extend(names);
            if page.one("IsTruncated").unwrap() == "false" {
                assert_eq!(page.one("NextMarker"), None);
                break;
            }
            marker = page.one("NextMarker").unwrap();
            assert_eq!(Some(&marker), got.last());
        }
        assert_eq!(sizes, [1000, 1000, 500]);
        assert!(got.is_sorted());
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

#[tokio::test]
async fn parameters_are_checked_and_repeated() {
    let server = server().await;
    let list = Request::bucket(&server)
        .query("prefix", "a b/")
        .query("delimiter", "/")
        .query("marker", "a b/c")
        .query("max-keys", "7")
        .query("encoding-type", "url")
        .send();
    assert_eq!(list.one("Name").unwrap(), BUCKET);
    assert_eq!(list.one("EncodingType").unwrap(), "url");
    assert_eq!(list.one("Prefix").unwrap(), "a%20b/");
    assert_eq!(list.one("Marker").unwrap(), "a%20b/c");
    assert_eq!(list.one("Delimiter").unwrap(), "/");
    assert_eq!(list.one("MaxKeys").unwrap(), "7");
    for (name, value) in [("max-keys", "x"), ("max-keys", "-1"), ("encoding-type", "b")] {
        let bad = Request::bucket(&server).query(name, value).send();
        assert_eq!(bad.error(), (400, "InvalidArgument".into()));
    }
}
