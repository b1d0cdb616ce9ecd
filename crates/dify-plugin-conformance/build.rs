//! Makes the declarations of the recorded plugins a part of the executable that stands for them.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    dify_plugin_declaration::embed_folder("declarations/tool", "tool")?;
    dify_plugin_declaration::embed_folder("declarations/drive", "drive")
}
