//! The ComfyUI plugin for Dify, native.

use std::process::ExitCode;

fn main() -> ExitCode {
    oxidify_comfyui::plugin().run()
}
