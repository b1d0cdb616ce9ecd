//! What the daemon demands of declarations that come as JSON (dify-plugin-daemon, `pkg/entities/plugin_entities/`:
//! the `validate` tags of `plugin_declaration.go`, `tool_declaration.go`, `datasource_declaration.go`, `config.go`).
//! A fault names the place.

use serde_json::Value;

use super::Registration;

const TAGS: [&str; 19] = [
    "search",
    "image",
    "videos",
    "weather",
    "finance",
    "design",
    "travel",
    "social",
    "news",
    "medical",
    "productivity",
    "education",
    "business",
    "entertainment",
    "utilities",
    "agent",
    "rag",
    "other",
    "trigger",
];

const CREDENTIAL_TYPES: [&str; 7] =
    ["secret-input", "text-input", "select", "boolean", "app-selector", "model-selector", "array[tools]"];

const TOOL_PARAMETER_TYPES: [&str; 16] = [
    "string",
    "number",
    "boolean",
    "select",
    "secret-input",
    "file",
    "files",
    "app-selector",
    "model-selector",
    "any",
    "dynamic-select",
    "array",
    "object",
    "checkbox",
    "date",
    "date-range",
];

const DATASOURCE_PARAMETER_TYPES: [&str; 5] = ["string", "number", "boolean", "select", "secret-input"];

type Checked = Result<(), String>;

pub(super) fn manifest(manifest: &Value) -> Checked {
    version(manifest, "version")?;
    one_of(manifest, "type", &["plugin"])?;
    text(manifest, "name", 128)?;
    i18n(manifest, "label")?;
    i18n(manifest, "description")?;
    text(manifest, "icon", 128)?;
    time(manifest, "created_at")?;
    if manifest["resource"]["memory"].as_u64().unwrap_or_default() == 0 {
        return Err("resource.memory: required".to_owned());
    }
    let storage = &manifest["resource"]["permission"]["storage"];
    if !storage.is_null() && !storage["size"].as_u64().is_some_and(|size| (1024..=1_073_741_824).contains(&size)) {
        return Err("resource.permission.storage.size: 1024 to 1073741824".to_owned());
    }
    let plugins = manifest["plugins"].as_object().ok_or("plugins: required")?;
    for (kind, paths) in plugins {
        each(paths, kind, |path| match path.as_str() {
            Some(path) if path.len() <= 128 => Ok(()),
            _ => Err("a path of at most 128 characters".to_owned()),
        })?;
    }
    let meta = &manifest["meta"];
    version(meta, "version").map_err(|fault| format!("meta.{fault}"))?;
    if !meta["arch"].is_array() {
        return Err("meta.arch: required".to_owned());
    }
    each(&meta["arch"], "meta.arch", |arch| value_of(arch, &["amd64", "arm64"]))?;
    one_of(&meta["runner"], "language", &["python"])?;
    text(&meta["runner"], "version", 128)?;
    text(&meta["runner"], "entrypoint", 256)?;
    each(&manifest["tags"], "tags", |tag| value_of(tag, &TAGS))
}

/// What is checked last, when all has come.
pub(super) fn names(manifest: &Value) -> Checked {
    for (key, longest) in [("author", 64), ("name", 128)] {
        let name = manifest[key].as_str().unwrap_or_default();
        let is_valid = (1..=longest).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if !is_valid {
            return Err(format!("{key} must be ^[a-z0-9_-]{{1,{longest}}}$"));
        }
    }
    Ok(())
}

pub(super) fn tool_provider(provider: &Value) -> Checked {
    identity(&provider["identity"], true, true)?;
    credentials(provider)?;
    if provider.get("credentials_schema").is_none() {
        return Err("failed to unmarshal credentials_schema as array: unexpected end of JSON input".to_owned());
    }
    each(&provider["tools"], "tools", |tool| {
        identity(&tool["identity"], true, false)?;
        i18n(&tool["description"], "human")?;
        text(&tool["description"], "llm", usize::MAX)?;
        each(&tool["parameters"], "parameters", |parameter| {
            common_parameter(parameter, &TOOL_PARAMETER_TYPES)?;
            i18n(parameter, "human_description")?;
            one_of(parameter, "form", &["schema", "form", "llm"])
        })?;
        schema(tool)
    })
}

pub(super) fn datasource_provider(provider: &Value) -> Checked {
    identity(&provider["identity"], false, true)?;
    credentials(provider)?;
    one_of(provider, "provider_type", &["website_crawl", "online_document", "online_drive"])?;
    if !provider["datasources"].is_array() {
        return Err("datasources: required".to_owned());
    }
    each(&provider["datasources"], "datasources", |datasource| {
        identity(&datasource["identity"], false, false)?;
        i18n(datasource, "description")?;
        if !datasource["parameters"].is_array() {
            return Err("parameters: required".to_owned());
        }
        each(&datasource["parameters"], "parameters", |parameter| {
            common_parameter(parameter, &DATASOURCE_PARAMETER_TYPES)?;
            i18n(parameter, "description")
        })?;
        schema(datasource)
    })
}

/// Files that have to be among the assets.
pub(super) fn icons(registration: &Registration) -> impl Iterator<Item = &str> {
    let providers = [&registration.tool_provider, &registration.datasource_provider];
    let providers = providers.into_iter().flatten().flat_map(|provider| {
        let datasources = provider["datasources"].as_array().into_iter().flatten();
        let of_datasources = datasources.map(|datasource| &datasource["identity"]["icon"]);
        [&provider["identity"]["icon"], &provider["identity"]["icon_dark"]].into_iter().chain(of_datasources)
    });
    let manifest = [&registration.manifest["icon"], &registration.manifest["icon_dark"]];
    providers.chain(manifest).filter_map(Value::as_str).filter(|icon| !icon.is_empty())
}

fn identity(identity: &Value, plain_name: bool, is_provider: bool) -> Checked {
    let check = || {
        text(identity, "author", usize::MAX)?;
        text(identity, "name", usize::MAX)?;
        let name = identity["name"].as_str().unwrap_or_default();
        if plain_name && !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err("name: ^[a-zA-Z0-9_-]+$".to_owned());
        }
        i18n(identity, "label")?;
        if is_provider {
            text(identity, "icon", usize::MAX)?;
            i18n(identity, "description")?;
            each(&identity["tags"], "tags", |tag| value_of(tag, &TAGS))?;
        }
        Ok(())
    };
    check().map_err(|fault: String| format!("identity.{fault}"))
}

fn credentials(provider: &Value) -> Checked {
    let oauth = &provider["oauth_schema"];
    for list in [&provider["credentials_schema"], &oauth["client_schema"], &oauth["credentials_schema"]] {
        each(list, "credentials_schema", |credential| {
            text(credential, "name", 1023)?;
            one_of(credential, "type", &CREDENTIAL_TYPES)?;
            scope(credential)?;
            i18n(credential, "label")?;
            options(credential)
        })?;
    }
    Ok(())
}

fn common_parameter(parameter: &Value, types: &[&str]) -> Checked {
    text(parameter, "name", 1023)?;
    i18n(parameter, "label")?;
    one_of(parameter, "type", types)?;
    scope(parameter)?;
    options(parameter)
}

fn scope(of: &Value) -> Checked {
    let takes_one = matches!(of["type"].as_str(), Some("app-selector" | "model-selector" | "any" | "array[tools]"));
    if of["scope"].is_null() || takes_one { Ok(()) } else { Err("scope: not with this type".to_owned()) }
}

fn options(of: &Value) -> Checked {
    each(&of["options"], "options", |option| {
        text(option, "value", usize::MAX)?;
        i18n(option, "label")
    })
}

fn schema(of: &Value) -> Checked {
    match &of["output_schema"] {
        Value::Null | Value::Object(_) => Ok(()),
        _ => Err("output_schema: not an object".to_owned()),
    }
}

/// A list, or nothing.
fn each(list: &Value, name: &str, mut check: impl FnMut(&Value) -> Checked) -> Checked {
    let items = match list {
        Value::Null => return Ok(()),
        Value::Array(items) => items,
        _ => return Err(format!("{name}: not a list")),
    };
    for (i, item) in items.iter().enumerate() {
        check(item).map_err(|fault| format!("{name}[{i}].{fault}"))?;
    }
    Ok(())
}

fn text(of: &Value, key: &str, longest: usize) -> Checked {
    match of[key].as_str() {
        None | Some("") => Err(format!("{key}: required")),
        Some(text) if text.chars().count() > longest => Err(format!("{key}: longer than {longest}")),
        Some(_) => Ok(()),
    }
}

/// English is required.
fn i18n(of: &Value, key: &str) -> Checked {
    text(&of[key], "en_US", 1023).map_err(|fault| format!("{key}.{fault}"))?;
    let others = ["zh_Hans", "ja_JP", "pt_BR"].map(|language| of[key][language].as_str().unwrap_or_default());
    if others.iter().any(|text| text.chars().count() > 1023) {
        return Err(format!("{key}: longer than 1023"));
    }
    Ok(())
}

fn one_of(of: &Value, key: &str, values: &[&str]) -> Checked {
    value_of(&of[key], values).map_err(|fault| format!("{key}: {fault}"))
}

fn value_of(value: &Value, values: &[&str]) -> Checked {
    let is_known = value.as_str().is_some_and(|value| values.contains(&value));
    if is_known { Ok(()) } else { Err(format!("{value} is none of {values:?}")) }
}

/// Three numbers and perhaps a suffix.
fn version(of: &Value, key: &str) -> Checked {
    let version = of[key].as_str().unwrap_or_default();
    let (numbers, suffix) = version.split_once('-').map_or((version, None), |(numbers, rest)| (numbers, Some(rest)));
    let is_number = |n: &str| (1..=4).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    let is_suffix = |s: &str| (1..=16).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_version =
        numbers.split('.').count() == 3 && numbers.split('.').all(is_number) && suffix.is_none_or(is_suffix);
    if is_version { Ok(()) } else { Err(format!("{key}: not a version")) }
}

/// RFC 3339, as Go reads it: date, `T`, time, and an offset. The shape only.
fn time(of: &Value, key: &str) -> Checked {
    let text = of[key].as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let rest = shape.strip_prefix("0000-00-00T00:00:00").unwrap_or("?");
    let fraction = rest.strip_prefix('.').map(|rest| rest.trim_start_matches('0'));
    let offset = fraction.unwrap_or(rest);
    if matches!(offset, "Z" | "+00:00" | "-00:00") { Ok(()) } else { Err(format!("{key}: required, as RFC 3339")) }
}
