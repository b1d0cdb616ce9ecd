//! The YAML files of a plugin, which `oxidify doctor` reads out of any package.

use dify_plugin_declaration::{
    parse_datasource, parse_datasource_provider, parse_manifest, parse_tool, parse_tool_provider,
};

use super::reader;

pub(super) fn run(bytes: &[u8]) {
    let (reader, rest) = reader(bytes);
    let Ok(yaml) = std::str::from_utf8(rest) else { return };
    let error = match reader {
        0 => parse_manifest(yaml).map(drop),
        1 => parse_tool_provider(yaml).map(drop),
        2 => parse_tool(yaml).map(drop),
        3 => parse_datasource_provider(yaml).map(drop),
        _ => parse_datasource(yaml).map(drop),
    };
    if let Err(error) = error {
        let _ = error.to_string();
    }
}
