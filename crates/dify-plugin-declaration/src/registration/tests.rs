use serde_json::json;

use super::*;

const MANIFEST_YAML: &str = r#"
version: 0.1.0
type: plugin
author: me
name: greeter
label: {en_US: Greeter}
description: {en_US: Greets., ja_JP: 挨拶します。}
icon: icon.svg
created_at: "2026-01-01T00:00:00Z"
resource: {memory: 1024, permission: {storage: {enabled: true, size: 1024}}}
plugins: {PLUGINS}
meta: {version: 0.0.1, arch: [amd64], runner: {language: python, version: "3.12", entrypoint: main}}
"#;

const TOOL_PROVIDER: &str = "
identity: {author: me, name: greeter, label: {en_US: Greeter}, description: {en_US: Greets.}, icon: icon.svg}
credentials_for_provider:
  key: {type: secret-input, required: true, label: {en_US: Key}}
tools: [tools/greet.yaml]
";

const TOOL: &str = "
identity: {author: me, name: greet, label: {en_US: Greet}}
description: {human: {en_US: Says hello.}, llm: Says hello.}
parameters:
  - {name: times, type: number, form: form, min: 1, default: 1, label: {en_US: Times}, human_description: {en_US: How often.}}
output_schema: {type: object, properties: {greeting: {type: string}}}
";

const DATASOURCE_PROVIDER: &str = "
identity: {author: me, name: drive, label: {en_US: Drive}, description: {en_US: A drive.}, icon: icon.svg}
provider_type: online_drive
datasources: [datasources/drive.yaml]
";

const DATASOURCE: &str = "
identity: {author: me, name: drive, label: {en_US: Drive}}
description: {en_US: A drive.}
parameters: []
";

fn files(plugins: &str) -> BTreeMap<String, Vec<u8>> {
    [
        ("manifest.yaml", MANIFEST_YAML.replace("PLUGINS", plugins)),
        ("provider/greeter.yaml", TOOL_PROVIDER.to_owned()),
        ("provider/drive.yaml", DATASOURCE_PROVIDER.to_owned()),
        ("tools/greet.yaml", TOOL.to_owned()),
        ("datasources/drive.yaml", DATASOURCE.to_owned()),
        ("_assets/icon.svg", "<svg/>".to_owned()),
        ("_assets/empty.svg", String::new()),
        ("_assets/deep/large.bin", "x".repeat(ASSET_CHUNK + 1)),
    ]
    .map(|(path, text)| (path.to_owned(), text.into_bytes()))
    .into()
}

fn lines(plugins: &str) -> Vec<Value> {
    let text = Registration::of(&files(plugins)).unwrap().text();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refusal(files: &BTreeMap<String, Vec<u8>>) -> String {
    Registration::of(files).unwrap_err().to_string()
}

#[test]
fn a_plugin_of_tools() {
    let lines = lines("tools: [provider/greeter.yaml]");
    let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    let chunk = "asset_chunk";
    assert_eq!(types, ["manifest_declaration", "tool_declaration", chunk, chunk, chunk, "end"]);

    let manifest = &lines[0]["data"];
    assert_eq!(manifest["created_at"], "2026-01-01T00:00:00Z");
    assert_eq!(manifest["resource"]["permission"]["storage"], json!({"enabled": true, "size": 1024}));
    assert_eq!(manifest["plugins"]["tools"], json!(["provider/greeter.yaml"]));
    assert_eq!(manifest["plugins"]["datasources"], json!([]));
    assert_eq!(manifest["meta"]["arch"], json!(["amd64"]));
    // A missing language has the English text, as with the official SDK.
    assert_eq!(
        manifest["description"],
        json!({"en_US": "Greets.", "zh_Hans": "Greets.", "ja_JP": "挨拶します。", "pt_BR": "Greets."})
    );

    let provider = &lines[1]["data"][0];
    assert_eq!(provider["credentials_schema"][0]["name"], "key");
    assert_eq!(provider["credentials_schema"][0]["type"], "secret-input");
    assert_eq!(provider["credentials_for_provider"], Value::Null, "the daemon reads either of the two names");
    let tool = &provider["tools"][0];
    assert_eq!(tool["identity"]["name"], "greet");
    assert_eq!(tool["description"]["llm"], "Says hello.");
    assert_eq!(tool["has_runtime_parameters"], false);
    assert_eq!(tool["output_schema"]["properties"]["greeting"]["type"], "string");
    let parameter = &tool["parameters"][0];
    assert_eq!(parameter["form"], "form");
    assert_eq!(parameter["min"], 1.0);
    assert_eq!(parameter["default"], 1);
    assert_eq!(parameter["required"], false);
    assert_eq!(lines[5], json!({"type": "end", "data": {}}));
}

#[test]
fn a_plugin_of_datasources() {
    let lines = lines("datasources: [provider/drive.yaml]");
    assert_eq!(lines[1]["type"], "datasource_declaration");
    let provider = &lines[1]["data"][0];
    assert_eq!(provider["provider_type"], "online_drive");
    // Null and nothing are refused by the daemon.
    assert_eq!(provider["credentials_schema"], json!([]));
    assert_eq!(provider["datasources"][0]["parameters"], json!([]));
}

#[test]
fn assets_come_in_chunks_and_empty_ones_not_at_all() {
    let lines = lines("tools: [provider/greeter.yaml]");
    let chunk = |i: usize| (&lines[i]["data"]["filename"], &lines[i]["data"]["end"]);
    assert_eq!(chunk(2), (&json!("deep/large.bin"), &json!(false)));
    assert_eq!(chunk(3), (&json!("deep/large.bin"), &json!(true)));
    assert_eq!(lines[3]["data"]["data"], BASE64_STANDARD.encode("x"));
    assert_eq!(chunk(4), (&json!("icon.svg"), &json!(true)));
}

#[test]
fn what_the_daemon_or_this_sdk_would_not_take_is_named() {
    assert_eq!(
        refusal(&files("tools: [provider/greeter.yaml, provider/other.yaml]")),
        "manifest.yaml: 2 providers of tools, of which the daemon takes the last only"
    );
    assert_eq!(refusal(&files("models: [provider/m.yaml]")), "manifest.yaml: models are not offered by this SDK");
    assert_eq!(refusal(&files("tools: [provider/none.yaml]")), "provider/none.yaml is named and is not there");
    let mut broken = files("tools: [provider/greeter.yaml]");
    broken.insert("tools/greet.yaml".to_owned(), b"identity: {}".to_vec());
    assert!(refusal(&broken).starts_with("tools/greet.yaml: this is not the YAML file of a tool: "));
    broken.insert("tools/greet.yaml".to_owned(), vec![0xff]);
    assert_eq!(refusal(&broken), "tools/greet.yaml is not UTF-8");
}
