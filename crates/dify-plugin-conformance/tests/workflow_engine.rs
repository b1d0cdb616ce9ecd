//! Dify's workflow engine on the SDK's replies: what a tool node's outputs are.
//!
//! Runs `dify/workflow_engine.py` in a Python environment that is made in the target directory and kept there. It
//! needs Python 3.12 or 3.13, which `PYTHON` may name and pyenv may have. Without one, or without a package index, the
//! test prints why it did not run and passes; with `CI` set it fails where such a Python is there.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says why it did not run")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, fs};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// The engine, and of what it asks for that which a tool node needs; the rest reads documents and splits texts.
const ENGINE: &str = "graphon==0.8.0";
const NEEDS: [&str; 4] = ["pydantic>=2.7", "httpx>=0.28", "charset-normalizer>=2.1", "jsonschema>=4.18"];

/// More than Dify is said to merge, so that it is uploaded.
const MERGED: u64 = 1_000_000;

#[tokio::test]
async fn a_tool_node_outputs_what_was_replied() {
    let Some(system) = system_python().await else {
        println!("a_tool_node_outputs_what_was_replied did not run: there is no Python 3.12 or 3.13");
        return;
    };
    let python = match environment(&system).await {
        Ok(python) => python,
        Err(why) => {
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(env::var_os("CI").is_none(), "did not run: {why}");
            println!("a_tool_node_outputs_what_was_replied did not run: {why}");
            return;
        }
    };
    let (calls, expected): (Vec<Value>, Vec<Value>) = cases().into_iter().unzip();
    let task = json!({
        "command": [env!("CARGO_BIN_EXE_vectors-plugin"), "tool"],
        "environment": {"PLUGIN_MAX_FILE_SIZE": MERGED.to_string()},
        "calls": calls,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dify/workflow_engine.py");
    let mut command = Command::new(python);
    command.arg(script).env("PYTHONIOENCODING", "utf-8");
    let written = run(&mut command, &task.to_string(), Duration::from_secs(240)).await.unwrap();
    let nodes: Vec<Value> = serde_json::from_str(&written).unwrap();
    assert_eq!(nodes.len(), expected.len());
    for ((call, expected), node) in calls.iter().zip(expected).zip(nodes) {
        assert_eq!(node, expected, "{call}");
    }
}

/// Calls, and what the node ends with.
fn cases() -> Vec<(Value, Value)> {
    let emit = |kind: &str, size: u64| json!({"tool": "emit", "parameters": {"kind": kind, "size": size}});
    let fail = |before: Option<&str>| {
        let parameters = json!({"error": "ValueError", "text": "what went wrong", "before": before});
        json!({"tool": "fail", "parameters": parameters})
    };
    let unicode = "line1\nline2\t\"q\" \\ 你好 😀 <a&b>\u{2028}";
    let link = "Link: https://example.com/page\n";
    let object = json!({"a": 1, "b": [1.5, null, true, "x"], "big": 9_007_199_254_740_993_u64, "f": 1.0});
    let variables = json!({
        "greeting": "hi", "count": 3, "ratio": 0.5, "flag": true, "nothing": null, "items": [1, "two", {"k": null}],
        "obj": {"k": "v"},
    });
    let text = |name: &str| json!({"text": name});
    let mut cases = vec![
        (emit("text", 0), succeeded(&text("hello"), &json!({"text": ["hello"]}), &["text"])),
        (emit("text_unicode", 0), succeeded(&text(unicode), &json!({"text": [unicode]}), &["text"])),
        (
            emit("text_many", 0),
            succeeded(&text("part0 part1 part2 "), &json!({"text": ["part0 ", "part1 ", "part2 "]}), &["text"]),
        ),
        (emit("none", 0), succeeded(&json!({}), &json!({}), &[])),
        (emit("link", 0), succeeded(&text(link), &json!({"text": [link]}), &["link"])),
        (emit("json", 0), succeeded(&json!({"json": [object]}), &json!({}), &["json"])),
        (emit("json_list", 0), succeeded(&json!({"json": [[{"i": 0}, {"i": 1}]]}), &json!({}), &["json"])),
        (emit("variable", 0), succeeded(&variables, &json!({}), &["variable"])),
        (
            emit("stream_variable", 0),
            succeeded(
                &json!({"greeting": "Hello world"}),
                &json!({"greeting": ["Hel", "lo ", "world"]}),
                &["variable"],
            ),
        ),
        // Nothing of a tool's steps is shown in a workflow.
        (emit("log", 0), succeeded(&json!({}), &json!({}), &["log"])),
        (fail(None), failed("ValueError: what went wrong", &json!({}), &[])),
        (fail(Some("some text")), failed("ValueError: what went wrong", &json!({"text": ["some text"]}), &["text"])),
        (
            emit("panic", 0),
            failed("InternalError: the plugin failed unexpectedly; its log says where", &json!({}), &[]),
        ),
        (emit("broken_file", 100_000), failed("BrokenStorage: the storage broke", &json!({}), &["blob_chunk"])),
    ];
    for size in [0, 1, 8191, 8192, 8193, 20_000] {
        let outputs = json!({"files": [file("a.pdf", "application/pdf", "document", size)]});
        cases.push((emit("blob", size), succeeded(&outputs, &json!({}), &["blob_chunk"])));
    }
    for (kind, size) in [("stream", MERGED), ("stream_unknown", 100_000)] {
        let outputs = json!({"files": [file("big.bin", "application/octet-stream", "custom", size)]});
        cases.push((emit(kind, size), succeeded(&outputs, &json!({}), &["blob_chunk"])));
    }
    for (kind, size) in [("stream", MERGED + 1), ("stream", 40_000_000), ("stream_unknown", MERGED + 1)] {
        let outputs = json!({"files": [file("big.bin", "application/octet-stream", "custom", size)]});
        cases.push((emit(kind, size), succeeded(&outputs, &json!({}), &["binary_link"])));
    }
    let outputs = json!({"files": [file("a.pdf", "application/pdf", "document", 2 * MERGED)]});
    cases.push((emit("blob", 2 * MERGED), succeeded(&outputs, &json!({}), &["binary_link"])));
    cases
}

/// A node that succeeded, with these outputs beside the ones that every node has.
fn succeeded(outputs: &Value, streamed: &Value, kinds: &[&str]) -> Value {
    let mut all = json!({"text": "", "files": [], "json": [{"data": []}]});
    all.as_object_mut().unwrap().extend(outputs.as_object().unwrap().clone());
    json!({"status": "succeeded", "error": "", "outputs": all, "streamed": streamed, "kinds": kinds})
}

fn failed(error: &str, streamed: &Value, kinds: &[&str]) -> Value {
    json!({"status": "failed", "error": error, "outputs": {}, "streamed": streamed, "kinds": kinds})
}

/// A file of the output `files`, of the bytes that the plugin makes.
fn file(name: &str, media_type: &str, kind: &str, size: u64) -> Value {
    let bytes: Vec<u8> = (0..size).map(|i| ((i * 7 + 3) % 256) as u8).collect();
    let hash = Sha256::digest(&bytes).iter().fold(String::new(), |mut hash, byte| {
        write!(hash, "{byte:02x}").unwrap();
        hash
    });
    json!({
        "name": name, "mime_type": media_type, "type": kind, "size": size, "sha256": hash,
        "transfer_method": "tool_file",
    })
}

/// The Python of an environment with the engine in it; made where it is not yet.
async fn environment(system: &Path) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workflow-engine");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let complete = folder.join("complete");
    let wanted = format!("{ENGINE} {}", NEEDS.join(" "));
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    // What an interrupted run left is of no use.
    let _ = fs::remove_dir_all(&folder);
    run(Command::new(system).args(["-m", "venv"]).arg(&folder), "", Duration::from_secs(120)).await?;
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "15", "--retries", "1"];
    let pip = |packages: &[&str]| {
        let mut command = Command::new(&python);
        command.args(install).args(packages);
        command
    };
    run(&mut pip(&NEEDS), "", Duration::from_secs(300)).await?;
    run(&mut pip(&["--no-deps", ENGINE]), "", Duration::from_secs(300)).await?;
    fs::write(&complete, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// A Python that the engine runs on.
async fn system_python() -> Option<PathBuf> {
    const VERSION: &str = "import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))";
    let named = env::var_os("PYTHON").map(PathBuf::from);
    let usual = ["python3.13", "python3.12", "python3"].map(PathBuf::from);
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(Path::new(&env::var_os("HOME")?).join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let managed = versions.into_iter().flatten().flatten().map(|version| version.path().join("bin/python3"));
    for candidate in named.into_iter().chain(usual).chain(managed) {
        if run(Command::new(&candidate).args(["-c", VERSION]), "", Duration::from_secs(30)).await.is_ok() {
            return Some(candidate);
        }
    }
    None
}

/// Runs to the end, at most for `limit`; gives what it wrote, or what it complained.
async fn run(command: &mut Command, input: &str, limit: Duration) -> Result<String, String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
    let mut stdin = child.stdin.take().unwrap();
    let outcome = timeout(limit, async {
        // One that does not read is not to blame.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        child.wait_with_output().await
    });
    let output = outcome.await.map_err(|_| format!("{name} took more than {limit:?}"))?;
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{name} ended with {}: {complaint}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
