//! How cost grows over three decades: time in bytes, nodes and keys, memory in bytes and in calls in flight.

use std::time::Instant;

use serde_json::json;

use super::blobs::send;
use super::cos::list;
use super::in_flight::crowd;
use super::{mb, ms};
use crate::Failure;
use crate::bench::{Bench, Plugin, Side};
use crate::comfyui_server::{ComfyUiServer, chain};
use crate::cos_server::CosServer;
use crate::figure::{Report, median};
use crate::request;
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

fn nodes(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let server = ComfyUiServer::start(&bench.executables.path("oxidify"), bench.log()?)?;
    let mut connection = server.connect()?;
    let mut plugin = bench.start(Side::Ours, Plugin::ComfyUi)?;
    let mut time = Series { name: "ComfyUI run: time added", of: "nodes", unit: "ms", points: Vec::new() };
    let mut number = 0;
    // The emulator takes no more than 2,000 nodes.
    for nodes in decades(bench, 10).filter(|nodes| *nodes <= 1000) {
        let mut samples = Vec::new();
        for _ in 0..bench.rounds(3) + 1 {
            number += 1;
            let parameters = json!({"workflow_json": chain(nodes, number).to_string()});
            let request = request::tool("run", "comfyui", "workflow", &server.credentials(), &parameters);
            let from = Instant::now();
            plugin.call(&request)?;
            let whole = ms(from.elapsed());
            samples.push(whole - ComfyUiServer::last_execution(&mut connection)?);
        }
        time.points.push((nodes.into(), median(&samples).unwrap_or_default()));
    }
    plugin.stop()?;
    report.series.push(time);
    Ok(())
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
