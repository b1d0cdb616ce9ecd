//! The official Python SDK and this client list and read the same folder of odd names from the same server: the same
//! keys, sizes and bytes.
//!
//! Without Python or a package index it prints why it did not run and passes; with `CI` set it fails then.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../emulators/cos-emulator/tests/python/official_client.rs"]
mod official_client;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cos_emulator::CosEmulator;
use futures_util::TryStreamExt;
use official_client::{environment, run};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tencent_cos::{Cos, CosConfig, ListRequest};

const BUCKET: &str = "odd-names-1250000000";
const REGION: &str = "ap-beijing";
const MAX_KEYS: u16 = 7;

/// The folders that are listed one by one.
const PREFIXES: [&str; 5] = ["", "报告/", "/", "a/", "a//"];

/// The keys `.` and `..` no URL carries, and the SDK turns them into the bucket.
fn keys() -> Vec<String> {
    let names = [
        "plain.txt",
        "报告/",
        "报告/一 二.txt",
        "报告/😀👩‍💻.pdf",
        "plus+and space",
        "percent%20%2F%",
        "hash#question?amp&equals=",
        "semi;colon:comma,quote'\"",
        "back\\slash",
        "tab\tnew\nline\rreturn",
        "bell\u{7}one\u{1}del\u{7f}",
        "<xml>&amp;]]>",
        "[brackets]{}|^`~!*()$@",
        "trailing dots...",
        "trailing space ",
        " leading space",
        "/leading",
        "//two",
        "a/",
        "a//b",
        "a//",
        "a/./b",
        "a/../b",
        "./c",
        "../c",
        "e\u{301} and é",
        "\u{feff}mark",
    ];
    let longest = "长".repeat(283) + "a";
    names.into_iter().map(str::to_owned).chain([longest]).chain((0..30).map(|n| format!("a/{n:02}.txt"))).collect()
}

#[tokio::test]
async fn the_official_client_sees_the_same() {
    let python = match environment() {
        Ok(python) => python,
        Err(why) => {
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(std::env::var_os("CI").is_none(), "did not run: {why}");
            println!("the_official_client_sees_the_same did not run: {why}");
            return;
        }
    };
    let server = CosEmulator::builder().credentials("AKIDpeer", "its-secret").start().await.unwrap();
    server.create_bucket(BUCKET, REGION).unwrap();
    for key in keys() {
        server.put_object(BUCKET, &key, format!("the bytes of {key}")).unwrap();
    }
    server.put_generated_object(BUCKET, "报告/large.bin", 3_000_017, 5).unwrap();
    let task = json!({
        "port": server.address().port(),
        "secret_id": server.secret_id(),
        "secret_key": server.secret_key(),
        "bucket": BUCKET,
        "region": REGION,
        "max_keys": MAX_KEYS,
        "prefixes": PREFIXES,
    });
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer_truth.py"));
    // A proxy is none for 127.0.0.1.
    command.env("NO_PROXY", "*").env("PYTHONIOENCODING", "utf-8");
    let theirs: Value =
        serde_json::from_str(&run(&mut command, &task.to_string(), Duration::from_secs(120)).unwrap()).unwrap();

    let cos = Cos::new(CosConfig {
        secret_id: server.secret_id().into(),
        secret_key: server.secret_key().into(),
        session_token: None,
        region: None,
        endpoint: server.endpoint().parse().unwrap(),
        auto_switch_domain: false,
    })
    .unwrap();
    let everything = listed(&cos, "", None).await;
    assert_eq!(everything["objects"].as_array().unwrap().len(), keys().len() + 1);
    assert_eq!(everything, theirs["everything"]);
    for prefix in PREFIXES {
        assert_eq!(listed(&cos, prefix, Some("/")).await, theirs["folders"][prefix], "{prefix:?}");
    }
    let mut digests = BTreeMap::new();
    for object in everything["objects"].as_array().unwrap() {
        let (key, size) = (object[0].as_str().unwrap(), object[1].as_u64().unwrap());
        let stream = cos.get_object(BUCKET, None, key).await.unwrap();
        assert_eq!(stream.info().size, Some(size));
        let bytes = stream.try_collect::<Vec<_>>().await.unwrap().concat();
        digests.insert(key, Sha1::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    assert_eq!(json!(digests), theirs["digests"]);
}

async fn listed(cos: &Cos, prefix: &str, delimiter: Option<&str>) -> Value {
    let mut request = ListRequest {
        bucket: BUCKET.to_owned(),
        prefix: prefix.to_owned(),
        delimiter: delimiter.map(str::to_owned),
        max_keys: Some(MAX_KEYS),
        ..ListRequest::default()
    };
    let (mut objects, mut folders) = (Vec::new(), Vec::new());
    loop {
        let page = cos.list_objects(&request).await.unwrap();
        objects.extend(page.objects.into_iter().map(|object| json!([object.key, object.size])));
        folders.extend(page.common_prefixes);
        request.marker = page.next_marker;
        if request.marker.is_none() {
            return json!({"objects": objects, "folders": folders});
        }
    }
}
