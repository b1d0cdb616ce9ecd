use serde_json::Value;

use super::Workflow;
use crate::NodeLabel;

/// The input of `LoadImage` and its relatives that names a file.
const IMAGE_INPUT: &str = "image";
/// The class that images are filled into in order, as Dify's official ComfyUI plugin does.
const LOAD_IMAGE: &str = "LoadImage";

/// Why images do not fit a workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageNodesError {
    /// More images than nodes that load one.
    #[error("{images} images were given, but the workflow has {}", count(nodes))]
    TooManyImages {
        /// How many images.
        images: usize,
        /// The nodes there are.
        nodes: Vec<NodeLabel>,
    },
    /// As many ids as images are needed.
    #[error("{ids} image node ids and {images} images were given: give one id for each image")]
    CountsDiffer {
        /// How many ids.
        ids: usize,
        /// How many images.
        images: usize,
    },
    /// The workflow has no node of this id.
    #[error("the workflow has no node {id:?}; it has {}", count(nodes))]
    UnknownNode {
        /// The id asked for.
        id: String,
        /// The nodes there are that load an image.
        nodes: Vec<NodeLabel>,
    },
    /// The node takes no image by name.
    #[error("{node} has no `image` input; the workflow has {}", count(nodes))]
    NoImageInput {
        /// The node asked for.
        node: NodeLabel,
        /// The nodes there are that load an image.
        nodes: Vec<NodeLabel>,
    },
    /// The same id twice.
    #[error("{node} is named twice among the image node ids")]
    NamedTwice {
        /// The node.
        node: NodeLabel,
    },
}

fn count(nodes: &[NodeLabel]) -> String {
    match nodes {
        [] => "no node that loads an image (LoadImage)".to_owned(),
        [one] => format!("1 that loads an image: {one}"),
        many => {
            let shown: Vec<String> = many.iter().take(20).map(ToString::to_string).collect();
            format!("{} nodes that load an image: {}", many.len(), shown.join(", "))
        }
    }
}

impl Workflow {
    /// The `LoadImage` nodes whose file is named in the workflow itself, in the file's order.
    #[must_use]
    pub fn image_nodes(&self) -> Vec<NodeLabel> {
        self.image_node_ids().into_iter().map(|id| self.node_label(id)).collect()
    }

    fn image_node_ids(&self) -> Vec<&str> {
        let loads = self.nodes.iter().filter(|(_, node)| node.class_type == LOAD_IMAGE && !node.is_link(IMAGE_INPUT));
        loads.map(|(id, _)| id.as_str()).collect()
    }

    /// Fills `names`, as [`UploadedFile::as_input_value`](crate::UploadedFile::as_input_value) gives them, into the
    /// [`image_nodes`](Self::image_nodes) in order. With fewer images than nodes, the other nodes keep their files.
    ///
    /// # Errors
    /// [`ImageNodesError::TooManyImages`]; nothing is changed then.
    pub fn set_images<S: AsRef<str>>(&mut self, names: &[S]) -> Result<(), ImageNodesError> {
        let ids: Vec<String> = self.image_node_ids().into_iter().map(str::to_owned).collect();
        if names.len() > ids.len() {
            return Err(ImageNodesError::TooManyImages { images: names.len(), nodes: self.image_nodes() });
        }
        for (id, name) in ids.iter().zip(names) {
            self.set_image(id, name.as_ref());
        }
        Ok(())
    }

    /// Fills `names` into the nodes of these ids, the first name into the first id. Any node with an `image` input will
    /// do, whatever its class.
    ///
    /// # Errors
    /// [`ImageNodesError`] when the counts differ, an id is unknown or named twice, or a node has no `image` input;
    /// nothing is changed then.
    pub fn set_images_by_id<I: AsRef<str>, S: AsRef<str>>(
        &mut self,
        ids: &[I],
        names: &[S],
    ) -> Result<(), ImageNodesError> {
        if ids.len() != names.len() {
            return Err(ImageNodesError::CountsDiffer { ids: ids.len(), images: names.len() });
        }
        for (index, id) in ids.iter().enumerate() {
            let id = id.as_ref();
            let Some(node) = self.nodes.get(id) else {
                return Err(ImageNodesError::UnknownNode { id: id.to_owned(), nodes: self.image_nodes() });
            };
            if !node.inputs.contains_key(IMAGE_INPUT) && node.class_type != LOAD_IMAGE {
                return Err(ImageNodesError::NoImageInput { node: self.node_label(id), nodes: self.image_nodes() });
            }
            if ids.iter().take(index).any(|earlier| earlier.as_ref() == id) {
                return Err(ImageNodesError::NamedTwice { node: self.node_label(id) });
            }
        }
        for (id, name) in ids.iter().zip(names) {
            self.set_image(id.as_ref(), name.as_ref());
        }
        Ok(())
    }

    fn set_image(&mut self, id: &str, name: &str) {
        if let Some(node) = self.nodes.get_mut(id) {
            node.inputs.insert(IMAGE_INPUT.to_owned(), Value::from(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"9": {"class_type": "LoadImage", "inputs": {"image": "old9.png"}, "_meta": {"title": "Face"}},
                "1": {"class_type": "SaveImage", "inputs": {"images": ["9", 0]}},
                "3": {"class_type": "LoadImage", "inputs": {"image": "old3.png", "upload": "image"}},
                "4": {"class_type": "LoadImage", "inputs": {"image": ["7", 0]}},
                "5": {"class_type": "LoadImageMask", "inputs": {"image": "mask.png", "channel": "alpha"}}}"#,
        )
        .unwrap()
    }

    fn image<'a>(workflow: &'a Workflow, id: &str) -> &'a Value {
        &workflow.node(id).unwrap().inputs["image"]
    }

    #[test]
    fn images_go_into_the_nodes_in_the_order_of_the_file() {
        let mut workflow = workflow();
        workflow.set_images(&["a.png", "sub/b.png"]).unwrap();
        assert_eq!(image(&workflow, "9"), "a.png");
        assert_eq!(image(&workflow, "3"), "sub/b.png");
        assert!(image(&workflow, "4").is_array(), "a link stays a link");
        assert_eq!(image(&workflow, "5"), "mask.png");
    }

    #[test]
    fn nodes_without_an_image_keep_their_file() {
        let mut workflow = workflow();
        workflow.set_images(&["a.png"]).unwrap();
        assert_eq!(image(&workflow, "3"), "old3.png");
    }

    #[test]
    fn too_many_images_are_refused_and_change_nothing() {
        let mut workflow = workflow();
        let error = workflow.set_images(&["a", "b", "c"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "3 images were given, but the workflow has 2 nodes that load an image: node 9 \"Face\" (LoadImage), node 3 (LoadImage)"
        );
        assert_eq!(workflow, self::workflow());
        let mut none = Workflow::parse(r#"{"1": {"class_type": "SaveImage"}}"#).unwrap();
        assert!(none.set_images(&["a"]).unwrap_err().to_string().ends_with("no node that loads an image (LoadImage)"));
    }

    #[test]
    fn ids_choose_the_nodes() {
        let mut workflow = workflow();
        workflow.set_images_by_id(&["3", "5"], &["a.png", "m.png"]).unwrap();
        assert_eq!((image(&workflow, "3"), image(&workflow, "5")), (&"a.png".into(), &"m.png".into()));
        assert_eq!(image(&workflow, "9"), "old9.png");
    }

    #[test]
    fn wrong_ids_are_named_and_change_nothing() {
        let mut workflow = workflow();
        let mut error = |ids: &[&str], names: &[&str]| workflow.set_images_by_id(ids, names).unwrap_err();
        assert!(
            error(&["3", "77"], &["a", "b"]).to_string().starts_with("the workflow has no node \"77\"; it has 2 nodes")
        );
        assert!(error(&["1"], &["a"]).to_string().starts_with("node 1 (SaveImage) has no `image` input"));
        assert!(matches!(error(&["3", "3"], &["a", "b"]), ImageNodesError::NamedTwice { .. }));
        assert_eq!(error(&["3"], &["a", "b"]), ImageNodesError::CountsDiffer { ids: 1, images: 2 });
        assert_eq!(workflow, self::workflow());
    }
}
