//! Every figure of a quick run is there and was measured on answers that are right. How large it is depends on the machine,
//! and is no matter of a test.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Those that `cargo test --workspace` builds beside this package's own.
const OTHERS: [&str; 3] = ["oxidify", "oxidify-comfyui", "oxidify-tencent-cos"];

/// Runs the groups without peers: they need a package index. The report, or `None` when an executable is not there.
fn quick(groups: &[&str], needs: &[&str]) -> Option<Value> {
    let folder = Path::new(env!("CARGO_BIN_EXE_bench-plugin")).parent().unwrap();
    if let Some(missing) = needs.iter().find(|name| !folder.join(name).is_file()) {
        assert!(std::env::var_os("CI").is_none(), "{missing} is not here");
        println!("skipped: {missing} is not here");
        return None;
    }
    let out = tempfile::tempdir().unwrap();
    let (json, plot) = (out.path().join("figures.json"), out.path().join("figures.svg"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify-bench"));
    command.args(["--quick", "--no-peers", "--executables"]).arg(folder);
    command.arg("--json").arg(&json).arg("--plot").arg(&plot);
    let output = command.args(groups.iter().flat_map(|group| ["--only", group])).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = fs::read_to_string(plot).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
    Some(serde_json::from_slice(&fs::read(json).unwrap()).unwrap())
}

fn names(report: &Value) -> Vec<&str> {
    report["figures"].as_array().unwrap().iter().map(|figure| figure["name"].as_str().unwrap()).collect()
}

fn ours<'a>(report: &'a Value, name: &str) -> &'a Value {
    let figure = report["figures"].as_array().unwrap().iter().find(|figure| figure["name"] == name);
    &figure.unwrap_or_else(|| panic!("no figure {name}"))["ours"]["median"]
}

#[test]
fn the_sdk_is_measured_with_the_plugin_of_this_package() {
    let report = quick(&["calls", "blobs", "in-flight", "limits"], &[]).unwrap();
    for name in [
        "trivial call, round trip",
        "trivial calls, 1 in flight",
        "trivial calls, 10 in flight",
        "trivial calls, 100 in flight",
        "1 MB file out",
        "25 MB file out",
        "50 calls in flight: RSS",
        "machine: a bare pipe, 64 KiB writes",
        "machine: base64 in memory",
    ] {
        assert!(ours(&report, name).as_f64().unwrap() > 0.0, "{name}");
    }
    assert!(report["figures"].as_array().unwrap().iter().all(|figure| figure["peer"].is_null()));
    assert_eq!(report["quick"], true);
}

#[test]
fn both_plugins_are_measured_against_the_emulators() {
    let Some(report) = quick(&["start", "memory", "comfyui", "cos", "size"], &OTHERS) else { return };
    for name in ["comfyui: start to heartbeat", "comfyui: idle RSS", "tencent_cos_storage: package"] {
        assert!(ours(&report, name).as_f64().unwrap() > 0.0, "{name}");
    }
    let names = names(&report);
    for part in ["ComfyUI run, 1 MB in and out", "COS listing of 2000 objects", "COS download of 20 MB"] {
        assert!(names.iter().any(|name| name.starts_with(part)), "{part}: {names:?}");
    }
}

#[test]
fn growth_is_measured_in_bytes_calls_nodes_and_keys() {
    let Some(report) = quick(&["scaling"], &OTHERS) else { return };
    let series = report["series"].as_array().unwrap();
    let of: Vec<&str> = series.iter().map(|series| series["of"].as_str().unwrap()).collect();
    assert_eq!(of, ["MB", "MB", "calls", "nodes", "nodes", "objects"]);
    assert!(series.iter().all(|series| series["points"].as_array().unwrap().len() >= 2));
}

#[test]
fn an_unknown_group_is_refused_before_anything_is_built() {
    let output = Command::new(env!("CARGO_BIN_EXE_oxidify-bench")).args(["--only", "weather"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no group weather"));
}
