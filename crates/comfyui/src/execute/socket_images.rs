use std::collections::HashMap;

use bytes::Bytes;

use crate::outputs::place;
use crate::{NodeError, NodeLabel, Preview, Update, Workflow};

/// The class whose pictures are sent over the socket and kept nowhere (`websocket_image_save.py`).
const CLASS: &str = "SaveImageWebsocket";
/// The most bytes that are kept of them. There is no way to fetch them later, so they are kept in memory.
const MAX_BYTES: usize = 256 << 20;

/// A picture that `SaveImageWebsocket` sent: a result that the server does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketImage {
    /// The node that sent it.
    pub node_id: String,
    /// The place among the node's pictures, from 0.
    pub index: usize,
    /// `image/png`; `image/jpeg` from a server that was changed.
    pub media_type: &'static str,
    /// The encoded image.
    pub image: Bytes,
}

impl SocketImage {
    /// A name for it, which the server gives none: `websocket_12_00001.png`.
    #[must_use]
    pub fn filename(&self) -> String {
        let node: String = self.node_id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let extension = if self.media_type == "image/jpeg" { "jpg" } else { "png" };
        format!("websocket_{node}_{:05}.{extension}", self.index + 1)
    }
}

/// Collects what the `SaveImageWebsocket` nodes of one run send.
#[derive(Debug)]
pub(super) struct SocketImages {
    /// How many each node has announced.
    announced: HashMap<String, usize>,
    images: Vec<SocketImage>,
    bytes: usize,
}

impl SocketImages {
    pub(super) fn of(workflow: &Workflow) -> Self {
        let nodes = workflow.nodes().iter().filter(|(_, node)| node.class_type == CLASS);
        Self { announced: nodes.map(|(id, _)| (id.clone(), 0)).collect(), images: Vec::new(), bytes: 0 }
    }

    /// Whether the workflow has such nodes at all.
    pub(super) fn are_expected(&self) -> bool {
        !self.announced.is_empty()
    }

    /// Takes a picture out of an update, if it is one.
    pub(super) fn take(&mut self, update: &Update) {
        match update {
            Update::NodeProgress { node, max, .. } => {
                if let Some(announced) = self.announced.get_mut(&node.id) {
                    // As many as a batch has: far from where a double loses whole numbers.
                    *announced = (*max).clamp(0.0, 1e6) as usize;
                }
            }
            Update::Preview(Preview { node: Some(node), media_type, image })
                if self.announced.contains_key(&node.id) && self.bytes.saturating_add(image.len()) <= MAX_BYTES =>
            {
                self.bytes += image.len();
                let index = self.of_node(&node.id);
                self.images.push(SocketImage { node_id: node.id.clone(), index, media_type, image: image.clone() });
            }
            _ => {}
        }
    }

    fn of_node(&self, node_id: &str) -> usize {
        self.images.iter().filter(|image| image.node_id == node_id).count()
    }

    /// The nodes some of whose pictures did not come, or were too many to keep. Those in a branch that did not run are
    /// not among them.
    pub(super) fn missing(&self, workflow: &Workflow, dropped: &[NodeError]) -> Vec<NodeLabel> {
        let did_run = |id: &str| !dropped.iter().any(|error| error.dependent_outputs.iter().any(|output| output == id));
        let missing = self.announced.iter().filter(|(id, announced)| {
            let came = self.of_node(id);
            did_run(id) && (came == 0 || came < **announced)
        });
        let mut missing: Vec<&str> = missing.map(|(id, _)| id.as_str()).collect();
        missing.sort_by_key(|id| place(id));
        missing.into_iter().map(|id| workflow.node_label(id)).collect()
    }

    /// In the order of the node ids.
    pub(super) fn into_images(self) -> Vec<SocketImage> {
        let mut images = self.images;
        images.sort_by(|a, b| place(&a.node_id).cmp(&place(&b.node_id)).then(a.index.cmp(&b.index)));
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"10": {"class_type": "SaveImageWebsocket"}, "9": {"class_type": "SaveImageWebsocket"},
                "3": {"class_type": "KSampler"}}"#,
        )
        .unwrap()
    }

    fn preview(node: &str) -> Update {
        let node = Some(workflow().node_label(node));
        Update::Preview(Preview { node, media_type: "image/png", image: Bytes::from_static(b"png") })
    }

    #[test]
    fn only_the_pictures_of_these_nodes_are_kept_in_the_order_of_the_ids() {
        let mut images = SocketImages::of(&workflow());
        for node in ["3", "10", "9", "10"] {
            images.take(&preview(node));
        }
        let names: Vec<String> = images.into_images().iter().map(SocketImage::filename).collect();
        assert_eq!(names, ["websocket_9_00001.png", "websocket_10_00001.png", "websocket_10_00002.png"]);
    }

    #[test]
    fn there_is_a_most_of_bytes() {
        let mut images = SocketImages::of(&workflow());
        let Update::Preview(small) = preview("10") else { panic!("another update") };
        // The same bytes five times, which counts as five pictures.
        let large = Update::Preview(Preview { image: Bytes::from(vec![0; MAX_BYTES / 4]), ..small });
        for _ in 0..5 {
            images.take(&large);
        }
        assert_eq!(images.into_images().len(), 4);
    }

    #[test]
    fn what_was_announced_and_did_not_come_is_missing() {
        let mut images = SocketImages::of(&workflow());
        images.take(&Update::NodeProgress { node: workflow().node_label("9"), value: 1.0, max: 2.0 });
        images.take(&preview("9"));
        let ids = |missing: Vec<NodeLabel>| missing.into_iter().map(|node| node.id).collect::<Vec<_>>();
        assert_eq!(ids(images.missing(&workflow(), &[])), ["9", "10"]);
        let dropped = NodeError {
            node: workflow().node_label("8"),
            dependent_outputs: vec!["10".to_owned()],
            errors: Vec::new(),
        };
        assert_eq!(ids(images.missing(&workflow(), &[dropped])), ["9"]);
        images.take(&preview("9"));
        images.take(&preview("10"));
        assert!(images.missing(&workflow(), &[]).is_empty());
    }
}
