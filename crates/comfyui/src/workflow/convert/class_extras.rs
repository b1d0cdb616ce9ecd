//! What the editor's own scripts add to nodes of certain classes.

use serde_json::{Value, json};

use super::layout::Place;
use crate::NodeDefinition;
use crate::UploadButton;

/// Whose options the user writes in the editor.
pub(super) const CUSTOM_COMBO: &str = "CustomCombo";

/// A widget that no declaration has.
#[derive(Debug)]
pub(super) struct Extra {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) place: Place,
    /// The type of its slot, if it has one.
    pub(super) slot: Option<&'static str>,
}

const SHOWN: Place = Place { has_place: true, is_emitted: true };
const PLACE_ONLY: Place = Place { has_place: true, is_emitted: false };
const NEITHER: Place = Place { has_place: false, is_emitted: false };

fn button(name: &'static str, value: &str) -> Extra {
    Extra { name, value: json!(value), place: SHOWN, slot: None }
}

/// Widgets right behind an input.
pub(super) fn after_input(class: &str, input: &str) -> Vec<Extra> {
    match (class, input) {
        ("Load3D", "model_file") => vec![
            button("upload 3d model", "upload3dmodel"),
            button("upload extra resources", "uploadExtraResources"),
            button("clear", "clear"),
        ],
        ("RecordAudio", "audio") => {
            vec![Extra { name: "audio", value: json!(""), place: PLACE_ONLY, slot: None }]
        }
        _ => Vec::new(),
    }
}

/// Widgets between the required inputs and the optional ones.
pub(super) fn after_required(class: &str, definition: &NodeDefinition) -> Vec<Extra> {
    let mut extras = Vec::new();
    let uploads = || {
        let combos = definition.inputs.iter().filter(|input| !input.is_optional && &*input.kind == "COMBO");
        combos.map(|input| input.options.upload)
    };
    if matches!(
        class,
        "LoadAudio" | "SaveAudio" | "SaveAudioMP3" | "SaveAudioOpus" | "SaveAudioAdvanced" | "PreviewAudio"
    ) {
        extras.push(Extra { name: "audioUI", value: json!(""), place: NEITHER, slot: Some("AUDIO_UI") });
    }
    if uploads().any(|upload| upload == Some(UploadButton::Audio)) {
        extras.push(Extra { name: "upload", value: json!(""), place: PLACE_ONLY, slot: Some("AUDIOUPLOAD") });
    }
    if uploads().any(|upload| upload == Some(UploadButton::Image)) {
        extras.push(Extra { name: "upload", value: json!("image"), place: PLACE_ONLY, slot: Some("IMAGEUPLOAD") });
    }
    if matches!(class, "Preview3D" | "SaveGLB") {
        extras.push(Extra { name: "image", value: json!(""), place: SHOWN, slot: Some("PREVIEW_3D") });
    }
    extras
}

/// Widgets behind all others.
pub(super) fn at_the_end(class: &str) -> Vec<Extra> {
    match class {
        "WebcamCapture" => vec![button("waiting for camera...", "capture")],
        "PreviewAny" | "SaveText" => ["preview_text", "preview_mode"]
            .into_iter()
            .zip([json!(""), json!(false)])
            .map(|(name, value)| Extra { name, value, place: NEITHER, slot: None })
            .collect(),
        _ => Vec::new(),
    }
}

/// The type of a widget's slot, where the editor makes another of it.
pub(super) fn slot_type<'a>(class: &str, kind: &'a str) -> &'a str {
    if class == "Load3DAdvanced" && kind == "LOAD_3D" { "LOAD_3D_ADVANCED" } else { kind }
}

/// Whether the editor fills `%…%` in the `filename_prefix` of this class.
pub(super) fn has_filename_template(class: &str) -> bool {
    matches!(
        class,
        "SaveImage"
            | "SaveImageAdvanced"
            | "SaveVideo"
            | "SaveAnimatedWEBP"
            | "SaveAnimatedPNG"
            | "SaveWEBM"
            | "SaveAudio"
            | "SaveAudioMP3"
            | "SaveAudioOpus"
            | "SaveAudioAdvanced"
            | "SaveGLB"
            | "Save3DAdvanced"
            | "SaveGaussianSplat"
            | "SavePointCloud"
            | "SaveSVGNode"
            | "CLIPSave"
            | "VAESave"
            | "ModelSave"
            | "LoraSave"
            | "SaveLatent"
    )
}

/// The title of a new node.
pub(super) fn title<'a>(class: &'a str, definition: &'a NodeDefinition) -> &'a str {
    let said = definition.display_name.as_deref().filter(|name| !name.is_empty());
    own_title(class).or(said).unwrap_or(class)
}

/// The title of a new node, where the editor's own English differs from what the server calls the class.
fn own_title(class: &str) -> Option<&'static str> {
    Some(match class {
        "LTXVConcatAVLatent" => "LTXVConcatAVLatent",
        "LTXVSeparateAVLatent" => "LTXVSeparateAVLatent",
        "ByteDance2TextToVideoNode" => "ByteDance Seedance 2.0 Text to Video",
        "ByteDance2FirstLastFrameNode" => "ByteDance Seedance 2.0 First-Last-Frame to Video",
        "ByteDance2ReferenceNode" => "ByteDance Seedance 2.0 Reference to Video",
        "MinimaxHailuoVideoNode" => "MiniMax Hailuo Video",
        "RecraftTextToImageNode" => "Recraft Text to Image",
        "RecraftImageToImageNode" => "Recraft Image to Image",
        "RecraftTextToVectorNode" => "Recraft Text to Vector",
        "TopazImageEnhance" => "Topaz Image Enhance",
        _ => return None,
    })
}
