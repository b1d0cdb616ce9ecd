use serde_json::json;

use super::*;
use crate::{CredentialType, DatasourceProviderType, Tag, ToolParameterForm, ToolParameterType};

const MANIFEST: &str = r#"
version: 0.1.0
type: plugin
author: me
name: greeter
label: {en_US: Greeter, zh_Hans: 问候}
description: {en_US: Says hello.}
icon: icon.svg
created_at: "2026-01-31T00:00:00Z"
resource:
  memory: 1048576
  permission: {storage: {enabled: true, size: 1024}}
plugins: {tools: [provider/greeter.yaml]}
meta:
  version: 0.0.1
  arch: [amd64, arm64]
  runner: {language: python, version: "3.12", entrypoint: main}
  minimum_dify_version: 1.9.0
tags: [utilities]
privacy: PRIVACY.md
"#;

#[test]
fn a_manifest() {
    let manifest = parse_manifest(MANIFEST).unwrap();
    assert_eq!((manifest.version.as_str(), manifest.author.as_str()), ("0.1.0", "me"));
    assert_eq!(manifest.label.zh_hans.as_deref(), Some("问候"));
    assert_eq!(manifest.meta.minimum_dify_version.as_deref(), Some("1.9.0"));
    assert_eq!(manifest.resource.permission.storage.map(|storage| storage.size), Some(1024));
    assert_eq!(manifest.plugins.tools, ["provider/greeter.yaml"]);
    assert_eq!(manifest.tags, [Tag::Utilities]);
}

#[test]
fn credentials_may_be_a_map_a_list_or_nothing() {
    let provider = |credentials: &str| {
        parse_tool_provider(&format!(
            "identity: {{author: me, name: p, label: {{en_US: a}}, description: {{en_US: b}}, icon: i.svg}}\n\
             {credentials}\ntools: [tools/greet.yaml]"
        ))
    };
    let map = "credentials_for_provider: {key: {type: secret-input, required: true, label: {en_US: Key}}}";
    let list = "credentials_schema: [{name: key, type: secret-input, required: true, label: {en_US: Key}}]";
    let [map, list] = [map, list].map(|credentials| provider(credentials).unwrap());
    assert_eq!(map, list);
    assert_eq!(map.credentials_schema[0].r#type, CredentialType::SecretInput);
    for nothing in ["", "credentials_for_provider:", "credentials_schema: []", "credentials_schema: {}"] {
        assert_eq!(provider(nothing).unwrap().credentials_schema, [], "{nothing}");
    }
    let unnamed = provider("credentials_schema: [{type: boolean, label: {en_US: Key}}]").unwrap_err();
    assert!(unnamed.to_string().contains("missing field `name`"), "{unnamed}");
}

#[test]
fn a_tool() {
    let tool = parse_tool(
        "
identity: {author: me, name: greet, label: {en_US: Greet}}
description: {human: {en_US: Says hello.}, llm: Says hello.}
parameters:
  - name: times
    type: number
    form: form
    default: 3
    min: 1
    label: {en_US: Times}
    human_description: {en_US: How often.}
output_schema: {type: object, properties: {length: {type: number}}}
",
    )
    .unwrap();
    let [times] = tool.parameters.as_slice() else { panic!("{tool:?}") };
    assert_eq!((times.r#type, times.form, times.required), (ToolParameterType::Number, ToolParameterForm::Form, false));
    assert_eq!((times.default.as_ref(), times.min), (Some(&json!(3)), Some(1.0)));
    assert_eq!(tool.output_schema.unwrap()["properties"]["length"], json!({"type": "number"}));
}

#[test]
fn a_datasource_and_its_provider() {
    let provider = parse_datasource_provider(
        "
identity: {author: me, name: p, label: {en_US: a}, description: {en_US: b}, icon: i.svg, tags: [rag]}
provider_type: online_drive
credentials_schema: []
datasources: [datasources/p.yaml]
",
    )
    .unwrap();
    assert_eq!(provider.provider_type, DatasourceProviderType::OnlineDrive);
    let identity = "identity: {author: me, name: p, label: {en_US: a}}\ndescription: {en_US: b}";
    assert_eq!(parse_datasource(&format!("{identity}\nparameters: []")).unwrap().parameters, []);
    // Remote debugging refuses it.
    assert!(parse_datasource(&format!("{identity}\nparameters:")).is_err());
}

#[test]
fn what_dify_does_not_know_is_an_error_that_says_where() {
    for (right, wrong, word) in [
        ("icon: icon.svg", "icno: icon.svg", "icno"),
        ("tags: [utilities]", "tags: [tools]", "tools"),
        ("arch: [amd64", "arch: [x86", "x86"),
        ("language: python", "language: rust", "rust"),
        ("label: {en_US: Greeter", "label: {de_DE: Greeter", "de_DE"),
        ("permission: {storage", "permission: {disk", "disk"),
    ] {
        let error = parse_manifest(&MANIFEST.replace(right, wrong)).unwrap_err().to_string();
        assert!(error.starts_with("this is not the YAML file of a manifest: ") && error.contains(word), "{error}");
        assert!(error.contains("line ") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn what_is_missing_or_doubled_is_an_error() {
    for wrong in [
        MANIFEST.replace("author: me\n", ""),
        MANIFEST.replace("author: me", "author: me\nauthor: you"),
        MANIFEST.replace("en_US: Greeter, ", ""),
        String::new(),
        "[".to_owned(),
        "a: &a [*a]".to_owned(),
    ] {
        parse_manifest(&wrong).unwrap_err();
    }
}
