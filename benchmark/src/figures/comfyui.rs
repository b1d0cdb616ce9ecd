//! A run of a workflow: what the plugin adds to the server's own time, with a picture of 1 MB in and one out.

use std::time::Instant;

use serde_json::{Value, json};

use super::{mb, ms};
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::comfyui_server::{ComfyUiServer, negative, picture};
use crate::figure::{Better, Figure, Report};
use crate::files_of_dify::FilesOfDify;
use crate::http::Connection;
use crate::process;
use crate::request;
use crate::running::Running;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let picture = picture()?;
    let server = ComfyUiServer::start(&bench.executables.path("oxidify"), bench.log()?)?;
    let dify = FilesOfDify::start(picture.clone())?;
    let mut connection = server.connect()?;
    let mut added = Figure::new("ComfyUI run, 1 MB in and out: time added", "ms", Better::Lower).held_to(5.0);
    let mut memory = Figure::new("ComfyUI runs: RSS after them", "MB", Better::Lower);
    let mut bare = Vec::new();
    let mut ours = bench.start(Side::Ours, Plugin::ComfyUi)?;
    let mut peer = bench.peers.as_ref().map(|_| bench.start(Side::Peer, Plugin::ComfyUi)).transpose()?;
    let mut number = 0;
    for round in 0..=bench.rounds(15) {
        for (plugin, samples) in [(Some(&mut ours), &mut added.ours), (peer.as_mut(), &mut added.peer)] {
            let Some(plugin) = plugin else { continue };
            number += 1;
            let time = run(plugin, &server, &dify, &mut connection, number, picture.len())?;
            // The first round opens connections and fills the server's cache.
            if round > 0 {
                samples.push(time);
            }
        }
        number += 1;
        bare.push(by_hand(&mut connection, &picture, number)?);
    }
    memory.ours.push(mb(process::rss(ours.pid())?));
    ours.stop()?;
    if let Some(peer) = peer {
        memory.peer.push(mb(process::rss(peer.pid())?));
        peer.stop()?;
    }
    added.beside = Some(("requests alone", bare));
    report.figures.extend([added, memory]);
    Ok(())
}

/// Milliseconds of a run beside those that the server spent on it.
fn run(
    plugin: &mut Running,
    server: &ComfyUiServer,
    dify: &FilesOfDify,
    connection: &mut Connection,
    number: usize,
    length: usize,
) -> Result<f64, Failure> {
    let file = json!({
        "dify_model_identity": "__dify__file__", "url": dify.picture_url(), "filename": "picture.png",
        "extension": ".png", "mime_type": "image/png", "size": length, "type": "image",
    });
    let parameters = json!({"workflow_json": negative(number).to_string(), "images": [file]});
    let request = request::tool("run", "comfyui", "workflow", &server.credentials(), &parameters);
    let from = Instant::now();
    let answer = plugin.call(&request)?;
    let whole = ms(from.elapsed());
    if answer.file_bytes < 1_000_000 {
        return Err(format!("a picture of {} bytes came back", answer.file_bytes).into());
    }
    Ok(whole - ComfyUiServer::last_execution(connection)?)
}

/// The same by the fewest requests over one open connection, asking for the result as fast as it can: what of the added
/// time is the server's and the network's.
fn by_hand(connection: &mut Connection, picture: &[u8], number: usize) -> Result<f64, Failure> {
    const BOUNDARY: &str = "oxidify-bench";
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"picture.png\"\r\n\
         Content-Type: image/png\r\n\r\n"
    );
    let body = [head.as_bytes(), picture, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    let from = Instant::now();
    let form = format!("multipart/form-data; boundary={BOUNDARY}");
    let uploaded: Value = serde_json::from_slice(&connection.post("/upload/image", &form, &body)?)?;
    let mut workflow = negative(number);
    workflow["1"]["inputs"]["image"] = uploaded["name"].clone();
    let submission = json!({"prompt": workflow, "client_id": "bench"}).to_string();
    let submitted: Value =
        serde_json::from_slice(&connection.post("/prompt", "application/json", submission.as_bytes())?)?;
    let id = submitted["prompt_id"].as_str().ok_or("no prompt id")?;
    let entry = loop {
        let history: Value = serde_json::from_slice(&connection.get(&format!("/history/{id}"))?)?;
        if let Some(entry) = history.get(id) {
            break entry.clone();
        }
    };
    let file = entry["outputs"]["3"]["images"][0]["filename"].as_str().ok_or("the run has no picture")?;
    let result = connection.get(&format!("/view?filename={file}&type=output"))?;
    let whole = ms(from.elapsed());
    if result.len() < 1_000_000 {
        return Err(format!("a picture of {} bytes came back", result.len()).into());
    }
    Ok(whole - ComfyUiServer::last_execution(connection)?)
}
