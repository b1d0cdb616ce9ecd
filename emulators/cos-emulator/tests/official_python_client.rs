//! The official Python SDK against the emulator: what Tencent's own client
//! sends is understood, and it understands the answers.
//!
//! Runs `official_python_client.py` in a Python environment that is made in
//! the target directory and kept there. Without Python or a package index it
//! prints why it did not run and passes; with `CI` set it fails then.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "python/official_client.rs"]
mod official_client;

use std::{collections::BTreeSet, env, path::Path, process::Command, time::Duration};

use cos_emulator::{CosEmulator, generated_bytes};
use official_client::{environment, run};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

const BUCKET: &str = "photos-1250000000";
const REGION: &str = "ap-beijing";
const TOKEN: &str = "to/ken+=";
const LARGE: &str = "large 文件.bin";
const LARGE_LENGTH: u64 = 3_000_017;
const SEED: u64 = 20_240_101;

/// Names that the client can ask for: `.` and `..` it turns into the bucket.
const READABLE: [&str; 17] = [
    "/leading",
    "//two",
    "a/",
    "a//b",
    "a/./b",
    "a/../b",
    "报告 一.txt",
    "😀",
    "plus+and space",
    "percent%20%2F",
    "hash#question?amp&equals=",
    "semi;colon:comma,quote'\"",
    "back\\slash",
    "tab\tnew\nline\rreturn",
    "bell\u{7}one\u{1}",
    "<xml>&amp;",
    "[brackets]{}|^`~!*()",
];

#[tokio::test]
async fn the_official_python_client_works() {
    let python = match environment() {
        Ok(python) => python,
        Err(why) => {
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(env::var_os("CI").is_none(), "did not run: {why}");
            println!("the_official_python_client_works did not run: {why}");
            return;
        }
    };
    let server = server().await;
    let task = json!({
        "port": server.address().port(),
        "secret_id": server.secret_id(),
        "secret_key": server.secret_key(),
        "token": TOKEN,
        "bucket": BUCKET,
        "region": REGION,
        "readable": READABLE,
        "large": LARGE,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/official_python_client.py");
    let mut command = Command::new(python);
    command.arg(script);
    // A proxy is none for 127.0.0.1.
    command.env("NO_PROXY", "*").env("PYTHONIOENCODING", "utf-8");
    let output = run(&mut command, &task.to_string(), Duration::from_secs(120)).unwrap();
    let result: Value = serde_json::from_str(&output).unwrap();

    buckets(&result);
    listings(&result);
    downloads(&result);
    errors(&result);
}

async fn server() -> CosEmulator {
    let server =
        CosEmulator::builder().credentials("AKIDpython", "its-secret").session_token(TOKEN).start().await.unwrap();
    server.create_bucket(BUCKET, REGION).unwrap();
    server.create_bucket("archive-1250000000", "ap-guangzhou").unwrap();
    for name in READABLE {
        server.put_object(BUCKET, name, name.to_owned()).unwrap();
    }
    server.put_generated_object(BUCKET, LARGE, LARGE_LENGTH, SEED).unwrap();
    server
}

fn buckets(result: &Value) {
    assert_eq!(result["buckets"], json!([["archive-1250000000", "ap-guangzhou"], [BUCKET, REGION]]));
    assert_eq!(result["bucket_page"], json!(["true", "archive-1250000000"]));
    assert_eq!(result["region_buckets"], json!([BUCKET]));
    assert_eq!(result["no_buckets"], Value::Null);
}

fn listings(result: &Value) {
    let names: BTreeSet<&str> = READABLE.into_iter().chain([LARGE]).collect();
    assert_eq!(result["pages"]["keys"], json!(names));
    assert_eq!(result["pages"]["sizes"], json!([3, 3, 3, 3, 3, 3]));

    let (grouped, single): (BTreeSet<&str>, BTreeSet<&str>) = names.iter().partition(|name| name.contains('/'));
    let groups: BTreeSet<String> = grouped.iter().map(|name| format!("{}/", name.split('/').next().unwrap())).collect();
    assert_eq!(result["grouped"]["keys"], json!(single));
    assert_eq!(result["grouped"]["prefixes"], json!(groups));

    let below: Vec<&&str> = names.iter().filter(|name| name.starts_with("a/")).collect();
    assert_eq!(result["prefixed"]["keys"], json!(below));
    let encoded: Vec<String> = result["encoded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| percent_encoding::percent_decode_str(key.as_str().unwrap()))
        .map(|key| key.decode_utf8().unwrap().into_owned())
        .collect();
    assert_eq!(json!(encoded), json!(names));
}

fn downloads(result: &Value) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for name in READABLE {
        assert_eq!(result["bodies"][name], json!(STANDARD.encode(name)), "{name:?}");
    }
    let sha1 = |offset: u64, length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        generated_bytes(SEED, offset, &mut bytes);
        let digest = Sha1::digest(&bytes);
        digest.iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let whole = sha1(0, LARGE_LENGTH);
    assert_eq!(result["large"], json!({"sha1": whole, "crc_fits": true}));
    assert_eq!(result["part"], json!({"sha1": sha1(1000, 69_001), "content_range": "bytes 1000-70000/3000017"}));
    assert_eq!(result["downloaded"], json!(whole));
    assert_eq!(result["presigned"], json!([200, whole]));
    assert_eq!(result["head"], json!("3000017"));
    assert_eq!(result["head_bucket"], json!(REGION));
}

fn errors(result: &Value) {
    assert_eq!(
        result["errors"],
        json!({
            "wrong key": [403, "SignatureDoesNotMatch"],
            "wrong key for buckets": [403, "SignatureDoesNotMatch"],
            "unknown id": [403, "InvalidAccessKeyId"],
            "no token": [403, "InvalidAccessKeyId"],
            "no object": [404, "NoSuchKey"],
            // The client's own name for it: a HEAD has no body.
            "no object to head": [404, "NoSuchResource"],
            "no bucket": [404, "NoSuchBucket"],
            "another region": [404, "NoSuchBucket"],
            "behind the end": [416, "InvalidRange"],
            "put": [405, "MethodNotAllowed"],
            "delete": [405, "MethodNotAllowed"],
        })
    );
}
