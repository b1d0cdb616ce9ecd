//! The frames of ComfyUI's WebSocket, read and taken into a run: `cargo bench -p comfyui --bench events`.
//! `docs/benchmarks.md` says how to count instructions instead.
//!
//! The frames are made here, in the order in which ComfyUI 0.33.0 sends them (`execution.py`, `progress.py`, `main.py`).

#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use bytes::Bytes;
use comfyui::{Event, Run, Update, Workflow};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};

const OURS: &str = "11111111-2222-4333-8444-555555555555";
const FOREIGN: &str = "99999999-2222-4333-8444-555555555555";
/// Each tenth node counts so many steps, as a sampler does, and puts out a picture.
const STEPS: usize = 4;
const PREVIEW_BYTES: usize = 50_000;

fn main() {
    divan::main();
}

/// A run from `execution_start` to its end, with a snapshot of all nodes that have begun at each turn.
#[divan::bench(args = [10, 100, 1000])]
fn run(bencher: Bencher<'_, '_>, nodes: usize) {
    measure(bencher, nodes, &frames_of_run(OURS, nodes, true), nodes);
}

/// The same from a server before 0.3.45, which sends no snapshots.
#[divan::bench(args = [10, 100, 1000])]
fn run_without_snapshots(bencher: Bencher<'_, '_>, nodes: usize) {
    measure(bencher, nodes, &frames_of_run(OURS, nodes, false), nodes);
}

/// The frames of somebody else's run of so many nodes, which are passed over.
#[divan::bench(args = [10, 100, 1000])]
fn foreign_run(bencher: Bencher<'_, '_>, nodes: usize) {
    measure(bencher, nodes, &frames_of_run(FOREIGN, nodes, false), 0);
}

/// A single snapshot of so many nodes.
#[divan::bench(args = [10, 100, 1000])]
fn snapshot(bencher: Bencher<'_, '_>, nodes: usize) {
    let done: String = (1..=nodes).map(|node| entry(OURS, node, "1.0", "1.0", "finished")).collect();
    measure(bencher, nodes, &[snapshot_of(OURS, &done, "")], nodes);
}

/// So many nodes that put out a picture each.
#[divan::bench(args = [10, 100, 1000])]
fn outputs(bencher: Bencher<'_, '_>, nodes: usize) {
    let frames: Vec<String> = (1..=nodes).map(|node| executed(OURS, node)).collect();
    measure(bencher, nodes, &frames, nodes);
}

/// So many pictures in the making, which name their prompt and node. The pictures are not copied.
#[divan::bench(args = [10, 100, 1000])]
fn previews(bencher: Bencher<'_, '_>, previews: usize) {
    let metadata = format!(
        r#"{{"node_id": "1", "prompt_id": "{OURS}", "display_node_id": "1", "parent_node_id": null, "real_node_id": "1", "image_type": "image/jpeg"}}"#
    );
    let length = u32::try_from(metadata.len()).unwrap();
    let frame = [&4_u32.to_be_bytes(), &length.to_be_bytes(), metadata.as_bytes(), &[7; PREVIEW_BYTES]].concat();
    let (frame, workflow) = (Bytes::from(frame), workflow(1));
    bencher.counter(ItemsCount::new(previews)).bench(|| {
        let mut run = submitted(&workflow);
        for _ in 0..previews {
            divan::black_box(run.apply(Event::from_binary(frame.clone()).unwrap()));
        }
        run
    });
}

/// Counts messages and bytes. `finished` is how many nodes the frames must have finished.
fn measure(bencher: Bencher<'_, '_>, nodes: usize, frames: &[String], finished: usize) {
    let workflow = workflow(nodes);
    let mut run = submitted(&workflow);
    let told = frames.iter().flat_map(|frame| run.apply(Event::from_text(frame).unwrap()).0);
    assert_eq!(told.filter(|update| matches!(update, Update::NodeFinished { .. })).count(), finished);
    let bytes = frames.iter().map(String::len).sum::<usize>();
    bencher.counter(ItemsCount::new(frames.len())).counter(BytesCount::new(bytes)).bench(|| {
        let mut run = submitted(&workflow);
        for frame in frames {
            divan::black_box(run.apply(Event::from_text(frame).unwrap()));
        }
        run
    });
}

fn submitted(workflow: &Workflow) -> Run {
    let mut run = Run::new(OURS, workflow);
    run.submitted(OURS);
    run
}

fn workflow(nodes: usize) -> Workflow {
    let nodes: Vec<String> = (1..=nodes)
        .map(|node| {
            format!(r#""{node}": {{"class_type": "KSampler", "inputs": {{}}, "_meta": {{"title": "Node {node}"}}}}"#)
        })
        .collect();
    Workflow::parse(&format!("{{{}}}", nodes.join(", "))).unwrap()
}

fn frames_of_run(prompt: &str, nodes: usize, snapshots: bool) -> Vec<String> {
    let bare = |kind: &str| format!(r#"{{"type": "{kind}", "data": {{"prompt_id": "{prompt}", "timestamp": 1}}}}"#);
    let status = |waiting: u32| {
        format!(r#"{{"type": "status", "data": {{"status": {{"exec_info": {{"queue_remaining": {waiting}}}}}}}}}"#)
    };
    let mut frames = vec![
        status(1),
        bare("execution_start"),
        format!(r#"{{"type": "execution_cached", "data": {{"nodes": [], "prompt_id": "{prompt}", "timestamp": 1}}}}"#),
    ];
    let mut done = String::new();
    for node in 1..=nodes {
        let snapshot = |frames: &mut Vec<String>, done: &str, value: &str, max: &str| {
            if snapshots {
                frames.push(snapshot_of(prompt, done, &entry(prompt, node, value, max, "running")));
            }
        };
        snapshot(&mut frames, &done, "0.0", "1.0");
        frames.push(format!(
            r#"{{"type": "executing", "data": {{"node": "{node}", "display_node": "{node}", "prompt_id": "{prompt}"}}}}"#
        ));
        let steps = if node % 10 == 0 { STEPS } else { 0 };
        for step in 1..=steps {
            frames.push(format!(
                r#"{{"type": "progress", "data": {{"value": {step}, "max": {STEPS}, "prompt_id": "{prompt}", "node": "{node}"}}}}"#
            ));
            snapshot(&mut frames, &done, &step.to_string(), &STEPS.to_string());
        }
        if steps > 0 {
            frames.push(executed(prompt, node));
        }
        done.push_str(&entry(prompt, node, "1.0", "1.0", "finished"));
        if snapshots {
            frames.push(snapshot_of(prompt, &done, ""));
        }
    }
    frames.push(bare("execution_success"));
    frames.push(status(0));
    frames.push(format!(r#"{{"type": "executing", "data": {{"node": null, "prompt_id": "{prompt}"}}}}"#));
    frames
}

/// A node in a snapshot, with a comma behind it.
fn entry(prompt: &str, node: usize, value: &str, max: &str, state: &str) -> String {
    format!(
        r#""{node}": {{"value": {value}, "max": {max}, "state": "{state}", "node_id": "{node}", "prompt_id": "{prompt}", "display_node_id": "{node}", "parent_node_id": null, "real_node_id": "{node}"}}, "#
    )
}

/// The nodes that are done, and the one that runs.
fn snapshot_of(prompt: &str, done: &str, running: &str) -> String {
    let mut frame = String::with_capacity(done.len() + running.len() + 128);
    let _ = write!(frame, r#"{{"type": "progress_state", "data": {{"prompt_id": "{prompt}", "nodes": {{"#);
    frame.push_str(done);
    frame.push_str(running);
    frame.truncate(frame.trim_end_matches(", ").len());
    frame.push_str("}}}");
    frame
}

fn executed(prompt: &str, node: usize) -> String {
    format!(
        r#"{{"type": "executed", "data": {{"node": "{node}", "display_node": "{node}", "output": {{"images": [{{"filename": "result_{node:05}_.png", "subfolder": "", "type": "output"}}]}}, "prompt_id": "{prompt}"}}}}"#
    )
}
