use super::{InputPlace, Workflow};
use crate::{FileKind, NodeClasses, NodeLabel};

/// The class that pictures are filled into first, as Dify's official ComfyUI plugin does.
const LOAD_IMAGE: (&str, &str) = ("LoadImage", "image");
/// The most inputs that a message lists.
const MAX_LISTED: usize = 20;

/// An input that names a file which users upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInput {
    /// Where.
    pub place: InputPlace,
    /// The node.
    pub node: NodeLabel,
    /// Which files it takes.
    pub takes: FileKind,
}

/// Why files do not fit a workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileInputsError {
    /// A file that no input is left for.
    #[error(
        "file {} of those given ({}) has no input left to go to; the workflow has {}",
        index + 1,
        kind.as_str(),
        count(inputs)
    )]
    NoInputLeft {
        /// The file's place among those that were to be placed, from 0.
        index: usize,
        /// Its kind.
        kind: FileKind,
        /// The inputs there are.
        inputs: Vec<FileInput>,
    },
    /// The node names no file that is uploaded.
    #[error("{node} takes no {}; the workflow has {}", kind.as_str(), count(inputs))]
    NoFileInput {
        /// The node.
        node: NodeLabel,
        /// The kind of file for it.
        kind: FileKind,
        /// The inputs there are.
        inputs: Vec<FileInput>,
    },
}

fn count(inputs: &[FileInput]) -> String {
    let shown: Vec<String> =
        inputs.iter().take(MAX_LISTED).map(|input| format!("{} of {}", input.place.input, input.node)).collect();
    match inputs.len() {
        0 => "no node that loads an uploaded file".to_owned(),
        1 => format!("1 input for a file: {}", shown.join(", ")),
        more => format!("{more} inputs for files: {}", shown.join(", ")),
    }
}

impl Workflow {
    /// The inputs whose value names an uploaded file, and stands in the workflow itself: `LoadImage` nodes first, then
    /// whatever `classes` declare to be for uploads, each in the file's order.
    #[must_use]
    pub fn file_inputs(&self, classes: &NodeClasses) -> Vec<FileInput> {
        let input = |id: &str, input: &str, takes| FileInput {
            place: InputPlace { node_id: id.to_owned(), input: input.to_owned() },
            node: self.node_label(id),
            takes,
        };
        let mut first = Vec::new();
        let mut others = Vec::new();
        for (id, node) in &self.nodes {
            if node.class_type == LOAD_IMAGE.0 {
                if !node.is_link(LOAD_IMAGE.1) {
                    first.push(input(id, LOAD_IMAGE.1, FileKind::Image));
                }
                continue;
            }
            let Some(class) = classes.get(&node.class_type) else { continue };
            for (name, declaration) in class.inputs() {
                if let Some(takes) = declaration.upload.filter(|_| !node.is_link(name)) {
                    others.push(input(id, name, takes));
                }
            }
        }
        first.extend(others);
        first
    }

    /// The classes whose declarations can show a place for a file: those of nodes that have a text of their own.
    #[must_use]
    pub fn classes_with_texts(&self) -> Vec<&str> {
        let with_texts = self
            .nodes
            .values()
            .filter(|node| node.class_type != LOAD_IMAGE.0 && node.inputs.values().any(serde_json::Value::is_string));
        let mut classes: Vec<&str> = with_texts.map(|node| node.class_type.as_str()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Gives each file, in order, the first input that takes its kind and is neither taken by another file nor in
    /// `taken`. Files that find none of their own kind may go to an input that takes them as well
    /// ([`FileKind::may_take`]).
    ///
    /// # Errors
    /// [`FileInputsError::NoInputLeft`].
    pub fn place_files(
        &self,
        files: &[FileKind],
        taken: &[InputPlace],
        classes: &NodeClasses,
    ) -> Result<Vec<InputPlace>, FileInputsError> {
        let inputs = self.file_inputs(classes);
        let mut free: Vec<&FileInput> = inputs.iter().filter(|input| !taken.contains(&input.place)).collect();
        let mut places: Vec<Option<InputPlace>> = vec![None; files.len()];
        for exactly in [true, false] {
            for (place, kind) in places.iter_mut().zip(files).filter(|(place, _)| place.is_none()) {
                let fits =
                    |input: &&FileInput| if exactly { input.takes == *kind } else { input.takes.may_take(*kind) };
                if let Some(at) = free.iter().position(fits) {
                    *place = Some(free.remove(at).place.clone());
                }
            }
        }
        let all = places.iter().zip(files).enumerate().map(|(index, (place, kind))| {
            place.clone().ok_or_else(|| FileInputsError::NoInputLeft { index, kind: *kind, inputs: inputs.clone() })
        });
        all.collect()
    }

    /// The input of this node that takes a file of this kind.
    ///
    /// # Errors
    /// [`FileInputsError::NoFileInput`].
    pub fn file_input_of(
        &self,
        node_id: &str,
        kind: FileKind,
        classes: &NodeClasses,
    ) -> Result<InputPlace, FileInputsError> {
        let inputs = self.file_inputs(classes);
        let of_node = || inputs.iter().filter(|input| input.place.node_id == node_id);
        let found =
            of_node().find(|input| input.takes == kind).or_else(|| of_node().find(|input| input.takes.may_take(kind)));
        if let Some(found) = found {
            return Ok(found.place.clone());
        }
        // Custom nodes that load a picture call it so, whether or not they offer an upload.
        let (_, image) = LOAD_IMAGE;
        let node = self.nodes.get(node_id).filter(|node| node.inputs.contains_key(image) && !node.is_link(image));
        if node.is_some() && kind == FileKind::Image {
            return Ok(InputPlace { node_id: node_id.to_owned(), input: image.to_owned() });
        }
        Err(FileInputsError::NoFileInput { node: self.node_label(node_id), kind, inputs })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NodeClass;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"1": {"class_type": "LoadAudio", "inputs": {"audio": "old.mp3"}},
                "2": {"class_type": "LoadImageMask", "inputs": {"image": "old.png", "channel": "alpha"}},
                "3": {"class_type": "LoadImage", "inputs": {"image": "old.png"}},
                "4": {"class_type": "Load3D", "inputs": {"model_file": "none", "image": ""}},
                "5": {"class_type": "LoadVideo", "inputs": {"file": ["9", 0]}},
                "6": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}}}"#,
        )
        .unwrap()
    }

    fn classes() -> NodeClasses {
        let class = |name: &str, input: &str, flag: &str| {
            let entry = json!({"input": {"required": {(input): [["old"], {(flag): true}]}}});
            (name.to_owned(), NodeClass::read(&entry))
        };
        [
            class("LoadAudio", "audio", "audio_upload"),
            class("LoadImageMask", "image", "image_upload"),
            class("LoadImage", "image", "image_upload"),
            class("Load3D", "model_file", "file_upload"),
            class("LoadVideo", "file", "video_upload"),
        ]
        .into_iter()
        .collect()
    }

    fn placed(files: &[FileKind]) -> Result<Vec<String>, String> {
        let places = workflow().place_files(files, &[], &classes());
        places
            .map(|places| places.into_iter().map(|place| format!("{}.{}", place.node_id, place.input)).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn files_go_where_their_kind_is_taken_and_pictures_to_load_image_first() {
        use FileKind::{Audio, Image, Other};
        assert_eq!(placed(&[Other, Image, Audio, Image]).unwrap(), ["4.model_file", "3.image", "1.audio", "2.image"]);
    }

    #[test]
    fn a_film_may_go_to_a_node_that_takes_its_sound_only_when_it_is_free() {
        use FileKind::{Audio, Video};
        assert_eq!(placed(&[Video]).unwrap(), ["1.audio"]);
        assert_eq!(placed(&[Video, Audio]).unwrap(), ["4.model_file", "1.audio"]);
    }

    #[test]
    fn a_file_too_many_is_told_with_what_there_is() {
        let error = placed(&[FileKind::Image; 4]).unwrap_err();
        assert!(error.starts_with("file 4 of those given (image) has no input left to go to"), "{error}");
        assert!(error.contains("4 inputs for files: image of node 3 (LoadImage), audio of node 1"), "{error}");
    }

    #[test]
    fn linked_inputs_are_no_places_for_files() {
        let error = workflow().file_input_of("5", FileKind::Video, &classes()).unwrap_err().to_string();
        assert!(error.starts_with("node 5 (LoadVideo) takes no video"), "{error}");
        assert_eq!(workflow().file_input_of("1", FileKind::Audio, &classes()).unwrap().input, "audio");
    }

    #[test]
    fn without_declarations_load_image_is_known() {
        let none = NodeClasses::default();
        assert_eq!(workflow().file_inputs(&none).len(), 1);
        assert_eq!(workflow().file_input_of("2", FileKind::Image, &none).unwrap().input, "image");
        assert_eq!(workflow().classes_with_texts(), ["Load3D", "LoadAudio", "LoadImageMask", "SaveImage"]);
    }
}
