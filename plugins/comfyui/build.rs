//! Makes the YAML files and the icons a part of the executable, for debugging against a running Dify.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    dify_plugin_declaration::embed()
}
