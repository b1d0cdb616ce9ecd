//! What the server is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use crate::answer;
use crate::application::{self, Application};

/// The version of ComfyUI whose protocol this is.
const COMFYUI_VERSION: &str = "0.33.0";

const NAME: &str = concat!("comfyui-emulator ", env!("CARGO_PKG_VERSION"));

pub(super) async fn root() -> Response {
    Html(concat!(
        "<!doctype html><title>comfyui-emulator</title>",
        "<p>This is an emulator of a ComfyUI server. It has no editor: see /object_info.</p>",
    ))
    .into_response()
}

pub(super) async fn features() -> Response {
    answer::ok(&application::features())
}

/// The memory that is shown is the one for files; the emulator has no other bound.
pub(super) async fn system_stats(State(application): State<Arc<Application>>) -> Response {
    let (total, used) = application.storage.memory();
    let free = total.saturating_sub(used);
    answer::ok(&json!({
        "system": {
            "os": std::env::consts::OS,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": COMFYUI_VERSION,
            "required_frontend_version": NAME,
            "installed_templates_version": NAME,
            "required_templates_version": NAME,
            "comfy_package_versions": [],
            "python_version": NAME,
            "pytorch_version": NAME,
            "embedded_python": false,
            "deploy_environment": NAME,
            "argv": [NAME],
        },
        "devices": [{
            "name": "cpu",
            "type": "cpu",
            "index": null,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": total,
            "torch_vram_free": free,
        }],
    }))
}
