//! What holds of any folder in any bucket: shown against the emulator, and unchanged against a real account.
//!
//! The account is that of `OXIDIFY_COS_SECRET_ID` and `OXIDIFY_COS_SECRET_KEY` (for a temporary key also
//! `OXIDIFY_COS_SESSION_TOKEN`), the folder that of `OXIDIFY_COS_BUCKET` and `OXIDIFY_COS_PREFIX`; `OXIDIFY_COS_REGION` and
//! `OXIDIFY_COS_ENDPOINT` are the fields of these names. Nothing is written there. Archived objects are passed over.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "plugin/calls.rs"]
mod calls;

use std::collections::BTreeSet;
use std::env;

use cos_emulator::CosEmulator;
use dify_plugin_host::{CallFailure, PluginProcess, UploadEndpoint};
use dify_plugin_protocol::{Bucket, CallError, DriveFile, DriveFileType};
use secret_watch::SecretWatch;
use serde_json::{Map, Value, json};

/// Most entries of a folder that are compared, and most files and bytes of each that are downloaded.
const ENTRIES: usize = 200;
const FILES: usize = 50;
const LONGEST: u64 = 20_000_000;

const ODD_NAMES: [&str; 12] = [
    "报告 一.txt",
    "😀.pdf",
    "a+b c%20.csv",
    "q?x=1&y#z.md",
    "line\nbreak",
    "\u{1}control.json",
    "trailing dots...",
    "back\\slash",
    "sub/inner.txt",
    "/empty name",
    "../up",
    "large.bin",
];

/// A folder, and a plugin that may read it.
struct Drive {
    plugin: PluginProcess,
    credentials: Map<String, Value>,
    bucket: String,
    prefix: String,
    _emulator: Option<CosEmulator>,
    _watch: SecretWatch,
}

/// The emulator's, and that of a real account if there is one.
async fn drives() -> Vec<Drive> {
    let mut drives = vec![on_emulator().await];
    match on_account().await {
        Some(drive) => drives.push(drive),
        None => println!("not run against a real account: OXIDIFY_COS_SECRET_ID and so on are not set"),
    }
    drives
}

async fn on_emulator() -> Drive {
    let cos = CosEmulator::builder().start().await.unwrap();
    let bucket = "behaviour-1250000000";
    cos.create_bucket(bucket, "ap-guangzhou").unwrap();
    cos.put_object(bucket, "docs/", "").unwrap();
    for name in ODD_NAMES {
        match name {
            "large.bin" => cos.put_generated_object(bucket, "docs/large.bin", 5_000_000, 1).unwrap(),
            name => cos.put_object(bucket, &format!("docs/{name}"), name).unwrap(),
        }
    }
    let credentials = json!({
        "secret_id": cos.secret_id(),
        "secret_key": cos.secret_key(),
        "endpoint": "http://{bucket}.cos.{region}.myqcloud.com",
    });
    let proxy = cos.url();
    let uploads = UploadEndpoint::start().await.unwrap();
    let watch = calls::watched::watch_over(cos.secret_id(), cos.secret_key());
    calls::watched::watch_cos(&watch, &cos);
    let plugin = calls::start(&uploads, &watch, |command| {
        // COS's own host names lead to the emulator, and the uploads to Dify.
        command.env("HTTP_PROXY", proxy).env("NO_PROXY", "127.0.0.1");
    })
    .await;
    let credentials = credentials.as_object().unwrap().clone();
    Drive {
        plugin,
        credentials,
        bucket: bucket.to_owned(),
        prefix: "docs/".to_owned(),
        _emulator: Some(cos),
        _watch: watch,
    }
}

async fn on_account() -> Option<Drive> {
    let set = |name: &str| env::var(format!("OXIDIFY_COS_{name}")).ok().filter(|value| !value.is_empty());
    let bucket = set("BUCKET")?;
    let mut credentials = Map::new();
    for (field, required) in
        [("secret_id", true), ("secret_key", true), ("session_token", false), ("region", false), ("endpoint", false)]
    {
        match set(&field.to_ascii_uppercase()) {
            Some(value) => drop(credentials.insert(field.to_owned(), value.into())),
            None if required => return None,
            None => {}
        }
    }
    let uploads = UploadEndpoint::start().await.unwrap();
    let secret = |name| credentials.get(name).and_then(Value::as_str).unwrap_or_default();
    let watch = calls::watched::watch_over(secret("secret_id"), secret("secret_key"));
    let plugin = calls::start(&uploads, &watch, |command| {
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
            command.envs(env::var(variable).map(|value| (variable, value)));
        }
    })
    .await;
    Some(Drive {
        plugin,
        credentials,
        bucket,
        prefix: set("PREFIX").unwrap_or_default(),
        _emulator: None,
        _watch: watch,
    })
}

impl Drive {
    async fn page(&self, max_keys: usize, next: &Map<String, Value>) -> Bucket {
        let request = json!({
            "bucket": self.bucket,
            "prefix": self.prefix,
            "max_keys": max_keys,
            "next_page_parameters": next,
        });
        let mut result = self.plugin.browse_files(calls::browse(&self.credentials, request)).await.unwrap().result;
        assert_eq!(result.len(), 1);
        result.remove(0)
    }

    /// The first entries of the folder, in pages of `max_keys`.
    async fn entries(&self, max_keys: usize) -> Vec<DriveFile> {
        let (mut entries, mut next) = (Vec::new(), Map::new());
        loop {
            let page = self.page(max_keys, &next).await;
            assert!(page.files.len() == max_keys || !page.is_truncated, "a page of {} entries", page.files.len());
            let types: Vec<_> = page.files.iter().map(|file| file.r#type).collect();
            assert!(types.is_sorted(), "a file stands before a folder");
            entries.extend(page.files);
            next = page.next_page_parameters.unwrap_or_default();
            if !page.is_truncated || entries.len() >= ENTRIES {
                return entries;
            }
        }
    }
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, CallFailure>) -> CallError {
    match outcome {
        Err(CallFailure::Plugin(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pages_of_every_size_make_the_same_folder() {
    for drive in drives().await {
        let ids = |entries: Vec<DriveFile>| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
        let whole = ids(drive.entries(1000).await);
        assert!(!whole.is_empty(), "there is nothing in {}/{}", drive.bucket, drive.prefix);
        assert!(!whole.contains(&drive.prefix), "the folder is an entry of itself");
        for max_keys in [1, 3, whole.len().clamp(1, 1000)] {
            let paged = ids(drive.entries(max_keys).await);
            let unique: BTreeSet<_> = paged.iter().collect();
            assert_eq!(unique.len(), paged.len(), "an entry came twice");
            if whole.len() < ENTRIES {
                assert_eq!(unique, whole.iter().collect(), "in pages of {max_keys}");
            }
        }
    }
}

#[tokio::test]
async fn every_file_arrives_as_it_is_listed() {
    for drive in drives().await {
        let files = drive.entries(1000).await.into_iter();
        let files: Vec<_> =
            files.filter(|file| file.r#type == DriveFileType::File && file.size <= LONGEST).take(FILES).collect();
        for file in files {
            let call = calls::download(&drive.credentials, &drive.bucket, &file.id);
            let received = match drive.plugin.download_file(call).await {
                Err(CallFailure::Plugin(error)) if error.error_type == "InvalidObjectState" => continue,
                outcome => outcome.unwrap(),
            };
            assert_eq!(received.size, file.size, "{:?}", file.id);
            assert!(received.media_type.is_some_and(|kind| kind.contains('/') && !kind.contains(';')), "{:?}", file.id);
            // What cannot be shown is replaced in the name, and stays in the id.
            let shown: String = file.id.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            assert!(shown.ends_with(&file.name) || file.name == "/", "{:?} is called {:?}", file.id, file.name);
        }
        assert_eq!(drive.plugin.violations(), []);
    }
}

#[tokio::test]
async fn right_credentials_are_accepted_and_wrong_ones_explained() {
    for drive in drives().await {
        drive.plugin.validate_datasource_credentials(&calls::validate(&drive.credentials)).await.unwrap();
        for (field, value, words) in [
            ("secret_key", "sesameSesameSesameSesameSesameSe", "secret key is wrong"),
            ("secret_id", "AKIDsesameSesameSesameSesameSesame12", "secret ID is wrong"),
        ] {
            let mut wrong = drive.credentials.clone();
            wrong.insert(field.to_owned(), value.into());
            let error = refused(drive.plugin.validate_datasource_credentials(&calls::validate(&wrong)).await);
            assert!(error.message.contains(words) && error.message.contains("request id"), "{}", error.message);
            assert!(!error.message.contains(value), "{}", error.message);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    for drive in drives().await {
        let key = format!("{}no such object, says oxidify", drive.prefix);
        let call = calls::download(&drive.credentials, &drive.bucket, &key);
        let error = refused(drive.plugin.download_file(call).await);
        assert_eq!(error.error_type, "NoSuchKey", "{}", error.message);
        assert!(error.message.contains(&key) && error.message.contains("request id"), "{}", error.message);
        let call = calls::download(&drive.credentials, "no-such-bucket-says-oxidify-1250000000", "a.txt");
        let error = refused(drive.plugin.download_file(call).await);
        assert_eq!(error.error_type, "NoSuchBucket", "{}", error.message);
    }
}
