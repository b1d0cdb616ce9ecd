use serde::Serialize;

use crate::{InputType, Node, NodeClass, NodeClasses, Workflow};

/// A node that puts something out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputDescription {
    /// Its id.
    pub node_id: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Its class.
    pub class_type: String,
    /// What it puts out, by what it takes: `image`, `audio`, `video`, `3d`, `text`, `file`.
    pub kind: &'static str,
    /// Whether it only shows: its files are not kept.
    pub is_preview: bool,
}

pub(super) fn outputs_of(workflow: &Workflow, classes: &NodeClasses) -> Vec<OutputDescription> {
    let with_class = workflow.nodes().iter().filter_map(|(id, node)| Some((id, node, classes.get(&node.class_type)?)));
    with_class
        .filter(|(_, _, class)| class.is_output())
        .map(|(id, node, class)| OutputDescription {
            node_id: id.clone(),
            title: node.title().map(str::to_owned),
            class_type: node.class_type.clone(),
            kind: kind(node, class),
            is_preview: node.class_type.starts_with("Preview"),
        })
        .collect()
}

fn kind(node: &Node, class: &NodeClass) -> &'static str {
    let linked = class.inputs().iter().filter(|(name, _)| node.is_link(name));
    let kinds = linked.filter_map(|(_, declared)| match &declared.kind {
        InputType::Other(name) => Some(match name.as_str() {
            "IMAGE" | "MASK" | "SVG" => "image",
            "AUDIO" => "audio",
            "VIDEO" | "VHS_FILENAMES" => "video",
            "MESH" | "SPLAT" | "LOAD_3D" => "3d",
            name if name.contains("FILE_3D") => "3d",
            "*" | "STRING" => "text",
            _ => "file",
        }),
        InputType::Text => Some("text"),
        _ => None,
    });
    // A film's node takes pictures and sound: the richest counts.
    let order = ["3d", "video", "image", "audio", "text"];
    let kinds: Vec<&str> = kinds.collect();
    let class_says_video = node.class_type.to_lowercase().contains("video");
    if class_says_video && kinds.contains(&"image") {
        return "video";
    }
    order.into_iter().find(|kind| kinds.contains(kind)).unwrap_or("file")
}
