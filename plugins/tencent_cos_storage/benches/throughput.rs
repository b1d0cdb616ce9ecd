//! How fast 1 GB travels from COS into Dify through the plugin, and what memory that takes; beside it `curl` from the same
//! server, and the way in which the official plugin reads: `get_object(…)["Body"].get_raw_stream().read()`.
//!
//! ```sh
//! cargo bench -p oxidify-tencent-cos --bench throughput
//! ```
//!
//! What is not there, `curl` or Python with a package index, is passed over and said.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/plugin/calls.rs"]
mod calls;
#[path = "../../../emulators/cos-emulator/tests/python/official_client.rs"]
mod official_client;

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cos_emulator::CosEmulator;
use dify_plugin_host::UploadEndpoint;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

const BUCKET: &str = "bench-1250000000";
const KEY: &str = "large.bin";
const LENGTH: u64 = 1_000_000_000;
const ROUNDS: usize = 3;
const MIB: u64 = 1024 * 1024;

/// What the plugin may use beyond what it used after a small download.
const GROWTH: u64 = 8 * MIB;

#[tokio::main]
async fn main() {
    let cos = CosEmulator::builder().start().await.unwrap();
    cos.create_bucket(BUCKET, "ap-guangzhou").unwrap();
    cos.put_object(BUCKET, "small.txt", "small").unwrap();
    cos.put_generated_object(BUCKET, KEY, LENGTH, 1).unwrap();

    match curl(&cos) {
        // The emulator goes through all bytes once before the first answer.
        Ok(_) => report("curl", (0..ROUNDS).filter_map(|_| curl(&cos).ok()), "discards it"),
        Err(error) => println!("curl did not run: {error}"),
    }
    through_the_plugin(&cos).await;
    match official_client::environment() {
        Ok(python) => {
            let runs: Vec<_> = (0..ROUNDS).map(|_| official(&cos, &python)).collect();
            let peak = runs.iter().map(|(_, peak)| *peak).max().unwrap_or_default();
            let note = format!("holds it in memory: peak {} MiB; nothing is sent to Dify yet", peak / MIB);
            report("official plugin's read", runs.into_iter().map(|(took, _)| took), &note);
        }
        Err(why) => println!("the official SDK did not run: {}", why.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

async fn through_the_plugin(cos: &CosEmulator) {
    let uploads = UploadEndpoint::builder().files_to(|_| Ok(Box::new(io::sink()))).start().await.unwrap();
    let plugin = calls::start_unwatched(&uploads).await;
    let credentials = json!({"secret_id": cos.secret_id(), "secret_key": cos.secret_key(), "endpoint": cos.endpoint()});
    let credentials = credentials.as_object().unwrap();
    plugin.download_file(calls::download(credentials, BUCKET, "small.txt")).await.unwrap();
    let before = plugin.rss_bytes().unwrap_or_default();
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let file = plugin.download_file(calls::download(credentials, BUCKET, KEY)).await.unwrap();
        times.push(start.elapsed());
        assert_eq!(file.size, LENGTH);
    }
    let growth = plugin.peak_rss_bytes().unwrap_or_default().saturating_sub(before);
    let note =
        format!("checks it and uploads it to Dify: memory grew by {} KiB above {} KiB", growth / 1024, before / 1024);
    report("this plugin", times.into_iter(), &note);
    assert!(growth < GROWTH, "memory grew by {growth} bytes");
}

/// One line: the median of `times`.
fn report(name: &str, times: impl Iterator<Item = Duration>, note: &str) {
    let mut times: Vec<_> = times.collect();
    times.sort();
    let Some(median) = times.get(times.len() / 2) else { return };
    let speed = LENGTH as f64 / 1e6 / median.as_secs_f64();
    println!("{name:<24}{:>7.2} s {speed:>7.0} MB/s  {note}", median.as_secs_f64());
}

fn curl(cos: &CosEmulator) -> Result<Duration, String> {
    let path = format!("/{BUCKET}/{KEY}");
    let start = Instant::now();
    let status = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null", "--header"])
        .arg(format!("Authorization: {}", authorization(cos, &path)))
        .arg(format!("{}{path}", cos.url()))
        .status();
    match status {
        Ok(status) if status.success() => Ok(start.elapsed()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// A signature of the method and the path alone (<https://cloud.tencent.com/document/product/436/7778>).
fn authorization(cos: &CosEmulator, path: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = format!("{};{}", now - 60, now + 3600);
    let request = hex(&Sha1::digest(format!("get\n{path}\n\n\n")));
    let signature = hmac_sha1(&hmac_sha1(cos.secret_key(), &time), &format!("sha1\n{time}\n{request}\n"));
    format!(
        "q-sign-algorithm=sha1&q-ak={}&q-sign-time={time}&q-key-time={time}&q-header-list=&q-url-param-list=\
         &q-signature={signature}",
        cos.secret_id()
    )
}

fn hmac_sha1(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long it took, and the most memory that it took.
fn official(cos: &CosEmulator, python: &Path) -> (Duration, u64) {
    let task = json!({
        "port": cos.address().port(),
        "secret_id": cos.secret_id(),
        "secret_key": cos.secret_key(),
        "bucket": BUCKET,
        "region": "ap-guangzhou",
        "key": KEY,
    });
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/official_read.py")).env("NO_PROXY", "*");
    let output = official_client::run(&mut command, &task.to_string(), Duration::from_secs(300)).unwrap();
    let result: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(result["bytes"], LENGTH);
    (Duration::from_secs_f64(result["seconds"].as_f64().unwrap()), result["peak_kib"].as_u64().unwrap() * 1024)
}
