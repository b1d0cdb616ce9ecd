//! A drive: buckets, a folder of several pages, a download.

use std::fs;
use std::path::Path;
use std::time::Instant;

use cos_emulator::{CosEmulator, generated_bytes};
use dify_plugin_host::{DifyHost, PluginProcess, UploadEndpoint};
use dify_plugin_protocol::{
    BrowseFiles, BrowseFilesRequest, Bucket, DownloadFile, DownloadFileRequest, DriveFile, DriveFileType,
};
use serde_json::{Map, Value, json};

use super::{milliseconds, report_peak, report_start};
use crate::Failure;
use crate::child::PluginName;
use crate::say::say;

const NAME: &str = "tencent_cos_storage";
const BUCKET: &str = "reports-1250000000";
const OTHER_BUCKET: &str = "archive-1250000000";
const REGION: &str = "ap-guangzhou";

/// Files in the folder that is browsed, and entries on a page.
const FILES: usize = 25;
const MAX_KEYS: u32 = 10;

/// Too long for one line of the protocol, so it takes the way over Dify's upload URL.
const LARGE: u64 = 6_000_000;
const LARGE_KEY: &str = "2026/年度报告 (final).pdf";
const SEED: u64 = 7;

pub(super) async fn run(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let root = tempfile::tempdir()?;
    let server = CosEmulator::builder().root(root.path()).start().await?;
    fill(&server)?;
    say!("COS: emulator at {}, plugin as a child process over its standard input and output", server.url())?;
    let credentials = json!({
        "secret_id": server.secret_id(), "secret_key": server.secret_key(), "region": REGION,
        "endpoint": server.endpoint(),
    });
    let drive = Drive { credentials: credentials.as_object().cloned().unwrap_or_default() };
    let dify = DifyHost::builder().uploads(UploadEndpoint::start().await?).build();
    let plugin = PluginName::TencentCosStorage.start(&dify).await?;
    report_start(&plugin)?;
    drive.list_buckets(&plugin).await?;
    drive.browse(&plugin).await?;
    drive.download(&plugin, &dify, folder).await?;
    report_peak(&plugin)?;
    plugin.stop().await;
    let requests = server.requests();
    if let Some(writing) = requests.iter().find(|request| !matches!(request.method.as_str(), "GET" | "HEAD")) {
        return Err(format!("the plugin sent a {} to COS", writing.method).into());
    }
    say!("  {} requests reached COS, all of them GET or HEAD", requests.len())?;
    server.stop().await;
    Ok(())
}

fn fill(server: &CosEmulator) -> Result<(), Failure> {
    server.create_bucket(BUCKET, REGION)?;
    server.create_bucket(OTHER_BUCKET, "ap-shanghai")?;
    for number in 1..=FILES {
        server.put_object(BUCKET, &format!("notes/note {number:02}.txt"), format!("note {number}\n"))?;
    }
    server.put_generated_object(BUCKET, LARGE_KEY, LARGE, SEED)?;
    Ok(())
}

struct Drive {
    credentials: Map<String, Value>,
}

impl Drive {
    async fn page(
        &self,
        plugin: &PluginProcess,
        bucket: Option<&str>,
        prefix: &str,
        next_page_parameters: Map<String, Value>,
    ) -> Result<Vec<Bucket>, Failure> {
        let call = BrowseFiles {
            user_id: "demo".to_owned(),
            provider: NAME.to_owned(),
            datasource: NAME.to_owned(),
            credentials: self.credentials.clone(),
            request: BrowseFilesRequest {
                bucket: bucket.map(str::to_owned),
                prefix: prefix.to_owned(),
                max_keys: MAX_KEYS,
                next_page_parameters,
            },
        };
        Ok(plugin.browse_files(call).await?.result)
    }

    async fn list_buckets(&self, plugin: &PluginProcess) -> Result<(), Failure> {
        let started = Instant::now();
        let buckets = self.page(plugin, None, "", Map::new()).await?;
        let mut names: Vec<String> = buckets.into_iter().filter_map(|bucket| bucket.bucket).collect();
        names.sort();
        say!("  buckets in {}: {}", milliseconds(started.elapsed()), names.join(", "))?;
        if names == [OTHER_BUCKET, BUCKET] { Ok(()) } else { Err("these are not the buckets".into()) }
    }

    async fn browse(&self, plugin: &PluginProcess) -> Result<(), Failure> {
        let started = Instant::now();
        let mut files: Vec<DriveFile> = Vec::new();
        let mut next = Map::new();
        let mut pages = 0;
        loop {
            let page = self.page(plugin, Some(BUCKET), "notes/", next).await?;
            let page = page.into_iter().next().ok_or("a page came without its bucket")?;
            files.extend(page.files);
            pages += 1;
            match page.next_page_parameters {
                Some(parameters) if page.is_truncated && pages < FILES => next = parameters,
                _ => break,
            }
        }
        say!("  notes/: {} files on {pages} pages in {}", files.len(), milliseconds(started.elapsed()))?;
        let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
        let expected: Vec<String> = (1..=FILES).map(|number| format!("note {number:02}.txt")).collect();
        if names != expected || files.iter().any(|file| file.r#type != DriveFileType::File) {
            return Err(format!("these are not the files: {names:?}").into());
        }
        Ok(())
    }

    async fn download(&self, plugin: &PluginProcess, dify: &DifyHost, folder: &Path) -> Result<(), Failure> {
        let note = self.download_one(plugin, dify, "notes/note 07.txt", folder).await?;
        let large = self.download_one(plugin, dify, LARGE_KEY, folder).await?;
        let mut expected = vec![0; usize::try_from(LARGE)?];
        generated_bytes(SEED, 0, &mut expected);
        if note != b"note 7\n" || large != expected {
            return Err("a downloaded file is not what was stored".into());
        }
        Ok(())
    }

    async fn download_one(
        &self,
        plugin: &PluginProcess,
        dify: &DifyHost,
        key: &str,
        folder: &Path,
    ) -> Result<Vec<u8>, Failure> {
        let call = DownloadFile {
            user_id: "demo".to_owned(),
            provider: NAME.to_owned(),
            datasource: NAME.to_owned(),
            credentials: self.credentials.clone(),
            request: DownloadFileRequest { bucket: Some(BUCKET.to_owned()), id: key.to_owned() },
        };
        let started = Instant::now();
        let file = plugin.download_file(call).await?;
        let uploaded = || {
            let id = file.meta.get("tool_file_id").and_then(Value::as_str)?;
            dify.uploads()?.file(id)?.content
        };
        let content = file.content.clone().or_else(uploaded).ok_or("a file came without its bytes")?;
        let path = folder.join(file.name.as_deref().ok_or("a file has no name")?);
        fs::write(&path, &content)?;
        say!(
            "  {} ({} bytes, as {:?}) in {}",
            path.display(),
            content.len(),
            file.carrier,
            milliseconds(started.elapsed())
        )?;
        Ok(content.to_vec())
    }
}
