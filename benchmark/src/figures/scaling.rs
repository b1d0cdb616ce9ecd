//! How cost grows over three decades: time in bytes, nodes and keys, memory in bytes and in calls in flight.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::blobs::send;
use super::cos::list;
use super::in_flight::crowd;
use super::{mb, ms};
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::comfyui_server::{ComfyUiServer, chain};
use crate::cos_server::CosServer;
use crate::figure::{Report, median};
use crate::http::Connection;
use crate::request;
use crate::running::Running;
use crate::series::Series;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    bytes(bench, report)?;
    calls(bench, report)?;
    nodes(bench, report)?;
    keys(bench, report)
}

/// Sizes a decade apart; in a quick run fewer.
fn decades(bench: &Bench, from: u32) -> impl Iterator<Item = u32> {
    (0..if bench.quick { 2 } else { 4 }).map(move |decade| from * 10_u32.pow(decade))
}

fn bytes(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let mut time = Series { name: "file out", of: "MB", unit: "ms", points: Vec::new() };
    let mut memory = Series { name: "file out: memory grown", of: "MB", unit: "MB", points: Vec::new() };
    for size in decades(bench, 1) {
        let (speed, growth) = send(bench, Side::Ours, u64::from(size) * 1_000_000, 1)?;
        time.points.push((size.into(), f64::from(size) / speed * 1e3));
        memory.points.push((size.into(), growth));
    }
    report.series.extend([time, memory]);
    Ok(())
}

fn calls(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let mut memory = Series { name: "calls in flight: RSS", of: "calls", unit: "MB", points: Vec::new() };
    for calls in decades(bench, 1) {
        memory.points.push((calls.into(), mb(crowd(bench, Side::Ours, calls as usize)?.rss)));
    }
    report.series.push(memory);
    Ok(())
}

/// The server sends the progress of all nodes that have run with each node that runs, so what it sends grows with the
/// square of them: 23 GB for 10,000. So of the largest workflows it has all results but the last.
fn nodes(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let server = ComfyUiServer::start(&bench.executables.path("oxidify"), bench.log()?)?;
    let mut connection = server.connect()?;
    let mut plugin = bench.start(Side::Ours, Plugin::ComfyUi)?;
    let mut one =
        Series { name: "ComfyUI run, one node runs: time added", of: "nodes", unit: "ms", points: Vec::new() };
    let mut all =
        Series { name: "ComfyUI run, all nodes run: time added", of: "nodes", unit: "ms", points: Vec::new() };
    let mut number = 0;
    for nodes in decades(bench, 10) {
        run_by_hand(&mut connection, &tree(nodes, number))?;
        let mut samples = Vec::new();
        for _ in 0..bench.rounds(3) + 1 {
            number += 1;
            samples.push(time_added(&mut plugin, &server, &mut connection, &tree(nodes, number))?);
        }
        one.points.push((nodes.into(), median(&samples).unwrap_or_default()));
    }
    for nodes in decades(bench, 10).filter(|nodes| *nodes <= 1000) {
        let mut samples = Vec::new();
        for _ in 0..bench.rounds(3) + 1 {
            number += 1;
            samples.push(time_added(&mut plugin, &server, &mut connection, &chain(nodes, number))?);
        }
        all.points.push((nodes.into(), median(&samples).unwrap_or_default()));
    }
    plugin.stop()?;
    report.series.extend([one, all]);
    Ok(())
}

/// From the request to the end of the answer, less the time that the server spent on the prompt.
fn time_added(
    plugin: &mut Running,
    server: &ComfyUiServer,
    connection: &mut Connection,
    workflow: &Value,
) -> Result<f64, Failure> {
    let parameters = json!({"workflow_json": workflow.to_string()});
    let request = request::tool("run", "comfyui", "workflow", &server.credentials(), &parameters);
    let from = Instant::now();
    plugin.call(&request)?;
    Ok(ms(from.elapsed()) - ComfyUiServer::last_execution(connection)?)
}

/// Runs a workflow for a client that no socket listens for, so that no events are sent.
fn run_by_hand(connection: &mut Connection, workflow: &Value) -> Result<(), Failure> {
    let submission = json!({"prompt": workflow, "client_id": "nobody"}).to_string();
    let submitted: Value =
        serde_json::from_slice(&connection.post("/prompt", "application/json", submission.as_bytes())?)?;
    let id = submitted["prompt_id"].as_str().ok_or("no prompt id")?;
    let from = Instant::now();
    loop {
        let history: Value = serde_json::from_slice(&connection.get(&format!("/history/{id}"))?)?;
        match history.get(id).map(|entry| entry["status"]["status_str"] == "success") {
            Some(true) => return Ok(()),
            Some(false) => return Err("a workflow did not run".into()),
            None if from.elapsed() > PATIENCE => return Err("a workflow runs for too long".into()),
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Longer than the server takes for any workflow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pictures blended two by two until one is left, and saved under another name for each `number`. A tree is not deep: the
/// server goes through nodes recursively.
fn tree(nodes: u32, number: usize) -> Value {
    let mut workflow = serde_json::Map::new();
    let prefix = format!("tree-{number}");
    let save = json!({"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}});
    workflow.insert("0".to_owned(), save);
    for id in 1..nodes {
        let link = |id: u32| json!([id.to_string(), 0]);
        // How many of its two inputs there are.
        let node = match nodes.saturating_sub(2 * id) {
            0 => json!({
                "class_type": "EmptyImage",
                "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": id},
            }),
            1 => json!({"class_type": "ImageInvert", "inputs": {"image": link(2 * id)}}),
            _ => json!({
                "class_type": "ImageBlend",
                "inputs": {
                    "image1": link(2 * id), "image2": link(2 * id + 1), "blend_factor": 0.5, "blend_mode": "normal",
                },
            }),
        };
        workflow.insert(id.to_string(), node);
    }
    workflow.into()
}

fn keys(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let mut time = Series { name: "COS listing", of: "objects", unit: "ms", points: Vec::new() };
    for objects in decades(bench, 100) {
        let folder = bench.folder().join(format!("cos-{objects}"));
        let server = CosServer::start(&bench.executables.path("oxidify"), &folder, bench.log()?, objects, 0)?;
        let mut plugin = bench.start(Side::Ours, Plugin::Cos)?;
        let samples: Result<Vec<_>, _> =
            (0..bench.rounds(3)).map(|_| list(&mut plugin, &server.credentials(Side::Ours), objects)).collect();
        plugin.stop()?;
        time.points.push((objects.into(), median(&samples?).unwrap_or_default()));
    }
    report.series.push(time);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_as_many_nodes_as_asked_for_and_all_lead_to_its_end() {
        for nodes in [2, 3, 10, 100, 101] {
            let tree = tree(nodes, 1);
            let tree = tree.as_object().unwrap();
            let links: usize = tree
                .values()
                .flat_map(|node| node["inputs"].as_object().unwrap().values())
                .filter_map(Value::as_array)
                .map(|link| assert!(tree.contains_key(link[0].as_str().unwrap())))
                .count();
            assert_eq!((tree.len(), links), (nodes as usize, nodes as usize - 1));
        }
    }
}
