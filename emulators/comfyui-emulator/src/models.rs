//! The model files: there is one, and those that were downloaded. Only their names count.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::lock::lock;

/// The one checkpoint that is always there.
const CHECKPOINT: &str = "emulator.safetensors";

/// The folders of ComfyUI 0.33.0 (its `folder_paths.py`).
pub(crate) const FOLDERS: [&str; 27] = [
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
/// The most files that are known of.
const MAX_MODELS: usize = 10_000;

/// Names by folder.
#[derive(Debug)]
pub(crate) struct Models(Mutex<BTreeSet<(String, String)>>);

impl Models {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(BTreeSet::from([("checkpoints".to_owned(), CHECKPOINT.to_owned())])))
    }

    /// The files of a folder, sorted.
    pub(crate) fn in_folder(&self, folder: &str) -> Vec<String> {
        lock(&self.0).iter().filter(|(known, _)| known == folder).map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn has(&self, folder: &str, name: &str) -> bool {
        lock(&self.0).contains(&(folder.to_owned(), name.to_owned()))
    }

    /// Adds a file; whether there was room.
    pub(crate) fn add(&self, folder: &str, name: &str) -> bool {
        let mut models = lock(&self.0);
        let has_room = models.len() < MAX_MODELS;
        if has_room {
            models.insert((folder.to_owned(), name.to_owned()));
        }
        has_room
    }
}
