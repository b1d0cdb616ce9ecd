//! Calls to the Tencent COS plugin, with an emulated account.

use cos_emulator::{CosEmulator, generated_bytes};
use dify_plugin_host::UploadEndpoint;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Api, Messages};

const PLUGIN_ID: &str = "oxidify/tencent_cos_storage";
const NAME: &str = "tencent_cos_storage";
const BUCKET: &str = "reports-1250000000";
const REGION: &str = "ap-guangzhou";
const FILES: usize = 25;
const SEED: u64 = 7;

/// One that fits a line, and one that takes the way over Dify's upload URL.
const SIZES: [(&str, u64); 2] = [("3 MB.pdf", 3_000_000), ("6 MB.pdf", 6_000_000)];

pub(crate) struct Cos {
    server: CosEmulator,
    _root: TempDir,
}

impl Cos {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = CosEmulator::builder().root(root.path()).start().await.unwrap();
        server.create_bucket(BUCKET, REGION).unwrap();
        for number in 0..FILES {
            server.put_object(BUCKET, &format!("notes/{number:02}.txt"), format!("note {number}")).unwrap();
        }
        for (key, size) in SIZES {
            server.put_generated_object(BUCKET, key, size, SEED).unwrap();
        }
        Self { server, _root: root }
    }

    /// Every kind of call.
    pub(crate) async fn calls(&self, api: &Api, uploads: &UploadEndpoint) {
        self.validate(api).await.unwrap();
        let buckets = self.call(api, "online_drive_browse_files", json!({"prefix": "", "max_keys": 10})).await.unwrap();
        assert!(buckets.messages[0].to_string().contains(BUCKET), "{:?}", buckets.messages);
        self.browse(api).await;
        for (key, size) in SIZES {
            let answer =
                self.call(api, "online_drive_download_file", json!({"bucket": BUCKET, "id": key})).await.unwrap();
            let mut expected = vec![0; size as usize];
            generated_bytes(SEED, 0, &mut expected);
            if let [(meta, bytes)] = answer.files.as_slice() {
                assert_eq!((meta["file_name"].as_str(), bytes == &expected), (Some(key), true));
                continue;
            }
            let [link] = answer.messages.as_slice() else { panic!("{:?}", answer.messages) };
            assert_eq!(link["type"], "binary_link");
            let file = uploads.file(link["meta"]["tool_file_id"].as_str().unwrap()).unwrap();
            assert!(file.name == key && file.content.unwrap() == expected);
        }
    }

    /// A folder, page by page.
    pub(crate) async fn browse(&self, api: &Api) {
        let (mut names, mut next) = (Vec::new(), json!({}));
        for _ in 0..FILES {
            let request = json!({"bucket": BUCKET, "prefix": "notes/", "max_keys": 10, "next_page_parameters": next});
            let answer = self.call(api, "online_drive_browse_files", request).await.unwrap();
            let page = &answer.messages[0]["result"][0];
            names
                .extend(page["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()));
            next = page["next_page_parameters"].clone();
            if page["is_truncated"] != true {
                break;
            }
        }
        assert_eq!(names, (0..FILES).map(|number| format!("{number:02}.txt")).collect::<Vec<_>>());
    }

    pub(crate) async fn validate(&self, api: &Api) -> Result<(), String> {
        let data = json!({"provider": NAME, "credentials": self.credentials()});
        api.dispatch(PLUGIN_ID, "datasource/validate_credentials", data).await.map(drop)
    }

    async fn call(&self, api: &Api, action: &str, request: Value) -> Result<Messages, String> {
        let data = json!({
            "provider": NAME, "datasource": NAME, "credentials": self.credentials(), "request": request,
        });
        api.dispatch(PLUGIN_ID, &format!("datasource/{action}"), data).await
    }

    fn credentials(&self) -> Value {
        json!({
            "secret_id": self.server.secret_id(), "secret_key": self.server.secret_key(), "region": REGION,
            "endpoint": self.server.endpoint(),
        })
    }
}
