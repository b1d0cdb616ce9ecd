//! Nodes that load files which are no pictures: they tell the name of the file that they were given.

#![allow(dead_code, clippy::unwrap_used)]

use comfyui_emulator::{
    Execution, Files, InputDefinition, Inputs, Node, NodeDefinition, NodeError, NodeOutput, Schema,
};
use serde_json::{Map, Value, json};

/// A loader of the shape of `LoadAudio`, `LoadVideo` and `Load3D`: one input with an upload flag.
pub(crate) struct Loader {
    pub(crate) class_type: &'static str,
    pub(crate) input: &'static str,
    pub(crate) flag: &'static str,
}

pub(crate) const LOADERS: [Loader; 3] = [
    Loader { class_type: "LoadAudio", input: "audio", flag: "audio_upload" },
    Loader { class_type: "LoadVideo", input: "file", flag: "video_upload" },
    Loader { class_type: "Load3D", input: "model_file", flag: "file_upload" },
];

impl Node for Loader {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new(self.class_type, self.class_type, Schema::V3)
            .input(InputDefinition::choice(self.input, ["none"]).with(self.flag, true))
            .output_node()
    }

    fn validates(&self) -> &'static [&'static str] {
        match self.input {
            "audio" => &["audio"],
            "file" => &["file"],
            _ => &["model_file"],
        }
    }

    fn validate(&self, inputs: &Map<String, Value>, _: &Files<'_>) -> Result<(), String> {
        inputs.get(self.input).map(|_| ()).ok_or_else(|| "no file".to_owned())
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        let ui = json!({"text": [format!("{}={}", self.class_type, inputs.text(self.input)?)]});
        Ok(NodeOutput { values: Vec::new(), ui: ui.as_object().cloned().unwrap_or_default() })
    }
}
