//! The model files; there is one, and it is empty.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::answer;
use crate::nodes::CHECKPOINT;

/// The folders of ComfyUI 0.33.0 (its `folder_paths.py`).
const FOLDERS: [&str; 27] = [
    "checkpoints",
    "configs",
    "loras",
    "vae",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "embeddings",
    "diffusers",
    "vae_approx",
    "controlnet",
    "gligen",
    "upscale_models",
    "latent_upscale_models",
    "custom_nodes",
    "datasets",
    "hypernetworks",
    "photomaker",
    "classifiers",
    "model_patches",
    "audio_encoders",
    "background_removal",
    "frame_interpolation",
    "geometry_estimation",
    "optical_flow",
    "detection",
];

pub(super) async fn folders() -> Response {
    answer::ok(&json!(FOLDERS))
}

pub(super) async fn folder(Path(folder): Path<String>) -> Response {
    match folder.as_str() {
        "checkpoints" => answer::ok(&json!([CHECKPOINT])),
        folder if FOLDERS.contains(&folder) => answer::ok(&json!([])),
        _ => answer::empty(StatusCode::NOT_FOUND),
    }
}

pub(super) async fn embeddings() -> Response {
    answer::ok(&json!([]))
}
