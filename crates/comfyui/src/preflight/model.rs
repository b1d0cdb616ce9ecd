use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Provenance;
use super::provenance::file_name;
use crate::error::one_line;
use crate::near::near_names;

/// What model files end in (ComfyUI, `folder_paths.py`: `supported_pt_extensions`), and those of common custom nodes.
const EXTENSIONS: [&str; 11] =
    [".safetensors", ".ckpt", ".pt", ".pt2", ".bin", ".pth", ".pkl", ".sft", ".gguf", ".onnx", ".patch"];

/// Inputs that name a file of one folder, in ComfyUI's own nodes and many custom ones. A class, where it makes a
/// difference; the first that fits counts.
const FOLDERS: [(&str, &str, &str); 19] = [
    ("CLIPVisionLoader", "clip_name", "clip_vision"),
    ("UpscaleModelLoader", "model_name", "upscale_models"),
    ("LatentUpscaleModelLoader", "model_name", "latent_upscale_models"),
    ("ImageOnlyCheckpointLoader", "ckpt_name", "checkpoints"),
    ("", "ckpt_name", "checkpoints"),
    ("", "lora_name", "loras"),
    ("", "vae_name", "vae"),
    ("", "control_net_name", "controlnet"),
    ("", "unet_name", "diffusion_models"),
    ("", "clip_name", "text_encoders"),
    ("", "clip_name1", "text_encoders"),
    ("", "clip_name2", "text_encoders"),
    ("", "clip_name3", "text_encoders"),
    ("", "style_model_name", "style_models"),
    ("", "gligen_name", "gligen"),
    ("", "hypernetwork_name", "hypernetworks"),
    ("", "photomaker_model_name", "photomaker"),
    ("", "audio_encoder_name", "audio_encoders"),
    ("", "clip_name4", "text_encoders"),
];

/// A model file that a workflow needs and the server does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingModel {
    /// As the workflow writes it, maybe with folders below that of its kind.
    pub name: String,
    /// The folder of models that it belongs to, as far as the workflow or the input tells.
    pub folder: Option<String>,
    /// Where the workflow says that it can be had.
    pub url: Option<String>,
    /// Names like it that the server has.
    pub near: Vec<String>,
}

impl MissingModel {
    /// What is missing, if a value that is not among the choices is the name of a model.
    pub(super) fn of(
        value: &str,
        class_type: &str,
        input: &str,
        choices: &[Value],
        provenance: &Provenance,
    ) -> Option<Self> {
        let by_input = folder_of(class_type, input);
        let origin = provenance.model(value, by_input);
        if !is_model_name(value) && origin.is_none() {
            return None;
        }
        let near = near_models(value, choices.iter().filter_map(Value::as_str));
        let folder = origin.and_then(|origin| origin.directory.clone()).or_else(|| by_input.map(str::to_owned));
        Some(Self {
            name: value.to_owned(),
            folder,
            url: origin.and_then(|origin| origin.url.clone()),
            near: near.into_iter().map(str::to_owned).collect(),
        })
    }
}

/// The same file in another folder comes first.
fn near_models<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Vec<&'a str> {
    let same = known.clone().filter(|known| file_name(known).eq_ignore_ascii_case(file_name(name)));
    let mut near: Vec<&str> = same.take(3).collect();
    if near.is_empty() {
        near = near_names(name, known);
    }
    near
}

/// Whether it is called as files of models are.
pub(crate) fn is_model_name(value: &str) -> bool {
    let name = value.to_ascii_lowercase();
    EXTENSIONS.iter().any(|extension| name.len() > extension.len() && name.ends_with(extension))
}

/// The folder of models that an input chooses from.
pub(crate) fn folder_of(class_type: &str, input: &str) -> Option<&'static str> {
    let fits = |(class, name, _): &&(&str, &str, &str)| *name == input && (class.is_empty() || *class == class_type);
    FOLDERS.iter().find(fits).map(|(_, _, folder)| *folder)
}

impl fmt::Display for MissingModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server has no model {:?}", one_line(&self.name, 150))?;
        if let Some(folder) = &self.folder {
            write!(f, " in models/{}", one_line(folder, 60))?;
        }
        if !self.near.is_empty() {
            let near: Vec<String> = self.near.iter().map(|near| one_line(near, 150)).collect();
            write!(f, "; did you mean {}?", near.join(" or "))?;
        }
        match &self.url {
            Some(url) => write!(f, "; the workflow names {} for it", one_line(url, 300)),
            None => Ok(()),
        }
    }
}
