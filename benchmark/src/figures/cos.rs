//! Buckets of COS: a listing of many objects, and the download of a large one.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::{mb, ms};
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::cos_server::{CosServer, LARGE, LARGE_KEY, MANY};
use crate::figure::{Better, Figure, Report};
use crate::files_of_dify::FilesOfDify;
use crate::process;
use crate::request;
use crate::running::Running;

/// Objects on a page: as many as COS gives.
const PAGE: u32 = 1000;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let (objects, length) = if bench.quick { (2000, 20_000_000) } else { (10_000, 1_000_000_000) };
    let folder = bench.folder().join("cos");
    let server = CosServer::start(&bench.executables.path("oxidify"), &folder, bench.log()?, objects, length)?;
    let dify = FilesOfDify::start(Vec::new())?;
    let mut listing = Figure::new(format!("COS listing of {objects} objects"), "ms", Better::Lower);
    let mut download = Figure::new(format!("COS download of {} MB", length / 1_000_000), "MB/s", Better::Higher);
    download = download.times_better(3.0);
    let mut growth =
        Figure::new(format!("COS download of {} MB: growth of memory", length / 1_000_000), "MB", Better::Lower);
    growth = growth.held_to(8.0);
    let mut curled = Vec::new();
    // The emulator reads an object once before it first answers for it.
    let has_curl = curl(&server).is_ok();
    for round in 0..=bench.rounds(3) {
        for side in bench.sides() {
            let mut plugin = bench.start(*side, Plugin::Cos)?.uploads_to(dify.upload_url());
            let time = list(&mut plugin, &server.credentials(*side), objects)?;
            // The first round warms up the server; it moves no large file.
            if round == 0 {
                continue;
            }
            let (fast, grown) = fetch(&mut plugin, &server.credentials(*side), &dify, length)?;
            plugin.stop()?;
            match side {
                Side::Ours => (listing.ours.push(time), download.ours.push(fast), growth.ours.push(grown)),
                Side::Peer => (listing.peer.push(time), download.peer.push(fast), growth.peer.push(grown)),
            };
        }
        if has_curl {
            curled.push(mb(length) / curl(&server)?);
        }
    }
    if has_curl {
        download.beside = Some(("curl", curled));
    }
    report.figures.extend([listing, download, growth]);
    Ok(())
}

/// Milliseconds for all pages, one after the other as Dify asks for them.
pub(crate) fn list(plugin: &mut Running, credentials: &Value, objects: u32) -> Result<f64, Failure> {
    let mut next = Value::Null;
    let mut files = 0;
    let from = Instant::now();
    loop {
        let request = json!({"bucket": MANY, "prefix": "", "max_keys": PAGE, "next_page_parameters": next});
        let request = request::drive("list", "invoke_online_drive_browse_files", credentials, &request);
        let mut page = Value::Null;
        plugin.call_with(&request, |line| page = serde_json::from_slice(line.head).unwrap_or_default())?;
        let page = &page["data"]["data"]["result"][0];
        let names = page["files"].as_array().ok_or("a page has no files")?;
        files += names.len();
        next = page["next_page_parameters"].clone();
        if page["is_truncated"] != true || names.is_empty() {
            break;
        }
    }
    let time = ms(from.elapsed());
    if files == objects as usize { Ok(time) } else { Err(format!("{files} of {objects} objects were listed").into()) }
}

/// Megabytes in a second from the request to the end of the answer, and megabytes by which memory grew.
fn fetch(plugin: &mut Running, credentials: &Value, dify: &FilesOfDify, length: u64) -> Result<(f64, f64), Failure> {
    let request = json!({"bucket": LARGE, "id": LARGE_KEY});
    let request = request::drive("download", "invoke_online_drive_download_file", credentials, &request);
    let before = process::rss(plugin.pid())?;
    process::forget_peak(plugin.pid())?;
    dify.take_received();
    let from = Instant::now();
    let answer = plugin.call(&request)?;
    let seconds = from.elapsed().as_secs_f64();
    let peak = process::memory(plugin.pid())?.peak;
    // An upload has its multipart boundaries besides.
    let uploaded = dify.take_received();
    let is_whole = if answer.uploads > 0 { uploaded >= length } else { answer.file_bytes == length };
    if !is_whole {
        return Err(format!("{} bytes came in lines and {uploaded} in uploads, of {length}", answer.file_bytes).into());
    }
    Ok((mb(length) / seconds, mb(peak.saturating_sub(before))))
}

/// Seconds that `curl` takes for the same object from the same server.
fn curl(server: &CosServer) -> Result<f64, Failure> {
    let (url, authorization) = server.signed_large()?;
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--noproxy", "*", "--output", "/dev/null", "--header", &authorization, &url]);
    let from = Instant::now();
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() { Ok(from.elapsed().as_secs_f64()) } else { Err(format!("curl ended with {status}").into()) }
}
