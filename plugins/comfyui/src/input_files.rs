use comfyui::{ComfyUi, FileInputsError, FileKind, InputPlace, NodeClasses, UploadInput, Workflow};
use dify_plugin::{Dify, Error, File, FileType};
use serde_json::Value;

use crate::failure::client_failure;

/// Most files that a call may bring. Dify's own limit of files for one input is far below.
const MAX_FILES: usize = 100;

/// The files of a call, pictures first, and where each of them goes in the workflow.
#[derive(Debug)]
pub(crate) struct InputFiles {
    files: Vec<InputFile>,
    /// The nodes that the user chose, by id or title.
    nodes: Vec<String>,
}

#[derive(Debug)]
struct InputFile {
    file: File,
    /// Which parameter it came with.
    parameter: &'static str,
    kind: FileKind,
    places: Vec<InputPlace>,
}

impl InputFiles {
    /// Takes the files in order, with the nodes that the user wrote, separated by commas.
    ///
    /// # Errors
    /// When one of the pictures is none, or there are more than 100 files.
    pub(crate) fn new(images: Vec<File>, files: Vec<File>, image_ids: Option<&str>) -> Result<Self, Error> {
        if let Some(file) = images.iter().find(|file| file.kind() != FileType::Image) {
            return Err(Error::parameter(format!(
                "images: {} is not a picture ({}): give it as one of the files",
                file.name(),
                kind_in_words(file)
            )));
        }
        if images.len() + files.len() > MAX_FILES {
            let count = images.len() + files.len();
            return Err(Error::parameter(format!(
                "images, files: {count} files are given, and {MAX_FILES} is the most"
            )));
        }
        let images = images.into_iter().map(|file| (file, "images"));
        let files = images.chain(files.into_iter().map(|file| (file, "files"))).map(|(file, parameter)| {
            let kind = kind_of(&file);
            InputFile { file, parameter, kind, places: Vec::new() }
        });
        let nodes = image_ids.unwrap_or_default().split(',').map(str::trim).filter(|id| !id.is_empty());
        Ok(Self { files: files.collect(), nodes: nodes.map(str::to_owned).collect() })
    }

    pub(crate) fn count(&self) -> usize {
        self.files.iter().filter(|file| !file.places.is_empty()).count()
    }

    /// What a reference such as `@1` or `@photo.png` stands for.
    ///
    /// # Errors
    /// When there is no such file; the message lists those there are.
    pub(crate) fn find(&self, reference: &str) -> Result<usize, String> {
        let by_number = reference.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let by_number = by_number.filter(|index| *index < self.files.len());
        by_number.or_else(|| self.files.iter().position(|file| file.file.name() == reference)).ok_or_else(|| {
            let there_is: Vec<String> = self
                .files
                .iter()
                .enumerate()
                .map(|(index, file)| format!("@{} = {}", index + 1, file.file.name()))
                .collect();
            let there_is = if there_is.is_empty() { "none was given".to_owned() } else { there_is.join(", ") };
            format!("there is no file @{reference}: {there_is}")
        })
    }

    /// Sends the file of this index to a place as well.
    pub(crate) fn send_to(&mut self, index: usize, place: InputPlace) {
        if let Some(file) = self.files.get_mut(index) {
            file.places.push(place);
        }
    }

    /// The classes that have to be known to find a place for each file; none, where `LoadImage` nodes will do.
    pub(crate) fn classes_needed<'a>(&self, workflow: &'a Workflow) -> Vec<&'a str> {
        let homeless = || self.files.iter().filter(|file| file.places.is_empty());
        if homeless().next().is_none() {
            return Vec::new();
        }
        if !self.nodes.is_empty() {
            let chosen = self.nodes.iter().filter_map(|name| workflow.node(workflow.find_node(name).ok()?));
            return chosen.map(|node| node.class_type.as_str()).collect();
        }
        let taken: Vec<&InputPlace> = self.files.iter().flat_map(|file| &file.places).collect();
        let load_images = workflow.file_inputs(&NodeClasses::default());
        let free = load_images.iter().filter(|input| !taken.contains(&&input.place)).count();
        let is_simple = homeless().all(|file| file.kind == FileKind::Image) && homeless().count() <= free;
        if is_simple { Vec::new() } else { workflow.classes_with_texts() }
    }

    /// Finds a place for each file that has none yet.
    ///
    /// # Errors
    /// When a file fits nowhere: before anything is sent anywhere.
    pub(crate) fn find_places(&mut self, workflow: &Workflow, classes: &NodeClasses) -> Result<(), Error> {
        let mut homeless: Vec<usize> = (0..self.files.len())
            .filter(|index| self.files.get(*index).is_some_and(|file| file.places.is_empty()))
            .collect();
        if homeless.is_empty() {
            return Ok(());
        }
        if !self.nodes.is_empty() {
            let rest = self.send_to_chosen_nodes(&homeless, workflow, classes)?;
            homeless = rest;
        }
        let kinds: Vec<FileKind> = homeless.iter().filter_map(|index| Some(self.files.get(*index)?.kind)).collect();
        let taken: Vec<InputPlace> = self.files.iter().flat_map(|file| file.places.clone()).collect();
        let places = workflow.place_files(&kinds, &taken, classes).map_err(|error| self.misfit(&homeless, &error))?;
        for (index, place) in homeless.into_iter().zip(places) {
            self.send_to(index, place);
        }
        Ok(())
    }

    /// One node for each picture, or for each file. Gives the files that are left.
    fn send_to_chosen_nodes(
        &mut self,
        homeless: &[usize],
        workflow: &Workflow,
        classes: &NodeClasses,
    ) -> Result<Vec<usize>, Error> {
        let misfit = |error: &dyn std::fmt::Display| Error::parameter(format!("image_ids: {error}"));
        let images =
            homeless.iter().filter(|index| self.files.get(**index).is_some_and(|file| file.parameter == "images"));
        let images = images.count();
        let chosen = self.nodes.len();
        if chosen != images && chosen != homeless.len() {
            return Err(misfit(&format!(
                "{chosen} image node ids and {images} images were given: give one id for each image"
            )));
        }
        let (with_node, rest) = homeless.split_at(chosen.min(homeless.len()));
        let mut ids = Vec::with_capacity(chosen);
        for (index, name) in with_node.iter().zip(self.nodes.clone()) {
            let id = workflow.find_node(&name).map_err(|error| misfit(&error))?;
            if ids.contains(&id) {
                return Err(misfit(&format!("{} is named twice", workflow.node_label(id))));
            }
            ids.push(id);
            let kind = self.files.get(*index).map_or(FileKind::Other, |file| file.kind);
            let place = workflow.file_input_of(id, kind, classes).map_err(|error| misfit(&error))?;
            self.send_to(*index, place);
        }
        Ok(rest.to_vec())
    }

    fn misfit(&self, homeless: &[usize], error: &FileInputsError) -> Error {
        let index = match error {
            FileInputsError::NoInputLeft { index, .. } => homeless.get(*index),
            _ => None,
        };
        match index.and_then(|index| self.files.get(*index)) {
            Some(file) => Error::parameter(format!("{}: {}: {error}", file.parameter, file.file.name())),
            None => Error::parameter(format!("files: {error}")),
        }
    }

    /// Brings the files from Dify to the server, one after the other, and puts what it calls them into the workflow.
    ///
    /// # Errors
    /// When Dify does not give a file, or the server does not take it.
    pub(crate) async fn upload(&self, dify: &Dify, server: &ComfyUi, workflow: &mut Workflow) -> Result<(), Error> {
        for InputFile { file, places, .. } in self.files.iter().filter(|file| !file.places.is_empty()) {
            let body = dify.open(file).await?;
            let media_type = file.media_type().or(body.media_type()).unwrap_or("application/octet-stream").to_owned();
            let length = body.length();
            let input = UploadInput { file_name: file.name(), media_type, subfolder: String::new(), length, body };
            let uploaded = server.upload(input).await.map_err(|error| client_failure(&error))?;
            for place in places {
                workflow.set_input(place, Value::from(uploaded.as_input_value()));
            }
        }
        Ok(())
    }
}

fn kind_of(file: &File) -> FileKind {
    match file.kind() {
        FileType::Image => FileKind::Image,
        FileType::Audio => FileKind::Audio,
        FileType::Video => FileKind::Video,
        FileType::Document | FileType::Custom => FileKind::of(file.media_type(), &file.name()),
    }
}

fn kind_in_words(file: &File) -> &str {
    file.media_type().unwrap_or(match file.kind() {
        FileType::Image => "image",
        FileType::Document => "document",
        FileType::Audio => "audio",
        FileType::Video => "video",
        FileType::Custom => "unknown type",
    })
}

#[cfg(test)]
mod tests {
    use comfyui::NodeClass;
    use serde_json::json;

    use super::*;

    fn file(name: &str, kind: &str) -> File {
        serde_json::from_value(json!({"url": "http://dify/files/1", "filename": name, "type": kind})).unwrap()
    }

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "kept.png"}, "_meta": {"title": "Face"}},
                "2": {"class_type": "LoadImage", "inputs": {"image": "kept.png"}},
                "3": {"class_type": "LoadAudio", "inputs": {"audio": "kept.mp3"}}}"#,
        )
        .unwrap()
    }

    fn classes() -> NodeClasses {
        let audio = json!({"input": {"required": {"audio": ["COMBO", {"options": [], "audio_upload": true}]}}});
        [("LoadAudio".to_owned(), NodeClass::read(&audio))].into_iter().collect()
    }

    fn placed(images: Vec<File>, files: Vec<File>, ids: Option<&str>) -> Result<Vec<String>, String> {
        let mut files = InputFiles::new(images, files, ids).map_err(|error| error.message().to_owned())?;
        files.find_places(&workflow(), &classes()).map_err(|error| error.message().to_owned())?;
        let places = files.files.iter().flat_map(|file| &file.places);
        Ok(places.map(|place| format!("{}.{}", place.node_id, place.input)).collect())
    }

    fn picture() -> File {
        file("a.png", "image")
    }

    #[test]
    fn what_is_not_a_picture_is_named() {
        assert_eq!(
            placed(vec![picture(), file("b.pdf", "document")], vec![], None).unwrap_err(),
            "images: b.pdf is not a picture (document): give it as one of the files"
        );
    }

    #[test]
    fn there_is_a_most_of_files() {
        let error = placed(vec![picture(); 60], vec![picture(); 41], None).unwrap_err();
        assert_eq!(error, "images, files: 101 files are given, and 100 is the most");
        assert!(placed(vec![picture(); 60], vec![picture(); 40], None).unwrap_err().contains("has no input left"));
    }

    #[test]
    fn what_does_not_fit_names_its_parameter() {
        let too_many = placed(vec![picture(), picture(), file("third.png", "image")], vec![], None).unwrap_err();
        assert!(
            too_many.starts_with("images: third.png: file 3 of those given (image) has no input left"),
            "{too_many}"
        );
        let unknown = placed(vec![picture()], vec![], Some("7")).unwrap_err();
        assert!(unknown.starts_with("image_ids: the workflow has no node \"7\""), "{unknown}");
        let too_few = placed(vec![picture(), picture()], vec![], Some("1")).unwrap_err();
        assert!(too_few.starts_with("image_ids: 1 image node ids and 2 images"), "{too_few}");
        let film = placed(vec![], vec![file("a.glb", "custom")], None).unwrap_err();
        assert!(film.starts_with("files: a.glb: file 1 of those given (file) has no input left"), "{film}");
    }

    #[test]
    fn ids_and_titles_choose_nodes_for_the_pictures_and_perhaps_for_all_files() {
        let song = || vec![file("song.mp3", "audio")];
        assert_eq!(
            placed(vec![picture(), picture()], song(), Some(" 2, face,")).unwrap(),
            ["2.image", "1.image", "3.audio"]
        );
        assert_eq!(placed(vec![picture()], song(), Some("2,3")).unwrap(), ["2.image", "3.audio"]);
    }

    #[test]
    fn only_files_that_load_image_cannot_take_need_declarations() {
        let needed = |images, files| InputFiles::new(images, files, None).unwrap().classes_needed(&workflow()).len();
        assert_eq!(needed(vec![], vec![]), 0);
        assert_eq!(needed(vec![picture(), picture()], vec![]), 0);
        assert_eq!(needed(vec![picture(), picture(), picture()], vec![]), 1);
        assert_eq!(needed(vec![], vec![file("song.mp3", "audio")]), 1);
    }

    #[test]
    fn references_are_numbers_or_names() {
        let files = InputFiles::new(vec![picture()], vec![file("song.mp3", "audio")], None).unwrap();
        assert_eq!((files.find("2"), files.find("a.png")), (Ok(1), Ok(0)));
        assert_eq!(files.find("3").unwrap_err(), "there is no file @3: @1 = a.png, @2 = song.mp3");
        assert!(files.find("0").is_err());
    }
}
