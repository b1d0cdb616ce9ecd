//! A plugin says of itself to the debugging server what the official SDK says, and a server with the daemon's rules
//! takes it.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use dify_plugin_conformance::{Differences, Line, RecordedCase, recorded_sessions};
use dify_plugin_host::{DebuggingServer, DifyHost};
use serde_json::{Map, Value, json};

#[path = "remote/laptop.rs"]
mod laptop;

use laptop::{Laptop, emit, registered};

#[tokio::test]
async fn a_plugin_registers_and_is_called() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let mut laptop = Laptop::start_for(&server);
    let debugged = registered(&server).await;
    assert_eq!(debugged.registration.manifest["name"], "vec_tool");
    assert_eq!(debugged.registration.assets.keys().collect::<Vec<_>>(), ["icon.svg"]);
    let answer = debugged.plugin.invoke_tool(emit(json!({"kind": "text"}))).await.unwrap();
    assert_eq!(answer.text(), "hello");
    let connected = laptop.says("connected").await;
    assert_eq!(connected, format!("vec_tool 0.0.1: connected to {}", server.address()));
    laptop.says("vec_tool 0.0.1: registered").await;
    assert_eq!(debugged.plugin.violations(), []);
}

#[tokio::test]
async fn heartbeats_come_as_often_as_they_are_set() {
    let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
    let interval = ("HEARTBEAT_INTERVAL", "0.02".to_owned());
    let _laptop = Laptop::start(&[server.environment().as_slice(), &[interval]].concat());
    let debugged = registered(&server).await;
    while debugged.plugin.heartbeats().count < 5 {
        assert_eq!(debugged.plugin.ended(), None);
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_plugin_says_of_itself_what_the_official_sdk_says() {
    let Some(folder) = recorded_sessions() else {
        println!("skipped: ../shared is not here");
        return;
    };
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/registration_differences.json");
    let mut differences = Differences::read(&list).unwrap();
    for kind in ["tool", "drive"] {
        let case = RecordedCase::read(&folder.join(format!("tcp_handshake_{kind}.jsonl"))).unwrap();
        let recorded = case.lines.iter().filter_map(|line| if let Line::Out(line) = line { Some(line) } else { None });
        // The server has checked the handshake.
        let recorded: Vec<_> =
            recorded.filter(|line| line["type"].is_string() && line["type"] != "handshake").cloned().collect();

        let server = DebuggingServer::start(&DifyHost::default()).await.unwrap();
        let _laptop = Laptop::start_with(&server.environment(), |command| {
            command.arg(kind);
        });
        let ours = registered(&server).await.registration.lines;
        let types = |lines: &[Value]| lines.iter().map(|line| line["type"].clone()).collect::<Vec<_>>();
        assert_eq!(types(&recorded), types(&ours));
        for (recorded, ours) in recorded.into_iter().zip(ours) {
            let name = format!("{}: {}", case.name, recorded["type"].as_str().unwrap());
            differences.compare(&name, &[normal_form(recorded)], &[normal_form(ours)]);
        }
    }
    let complaints = differences.finish().unwrap();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// What only the Python SDK knows: where its code is, and a key of forms that the daemon has no field for.
const NOT_THE_DAEMONS: [&str; 2] = ["extra", "show_on"];

/// Without what means nothing to the daemon, which decodes null, an empty description and nothing alike: those keys, the
/// order of keys, whether a whole number is written with a fraction.
fn normal_form(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let means_nothing = |key: &str, value: &Value| {
                value.is_null() || NOT_THE_DAEMONS.contains(&key) || (key == "llm_description" && value == "")
            };
            let mut kept: Vec<_> = object.into_iter().filter(|(key, value)| !means_nothing(key, value)).collect();
            kept.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(kept.into_iter().map(|(key, value)| (key, normal_form(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(normal_form).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        value => value,
    }
}
