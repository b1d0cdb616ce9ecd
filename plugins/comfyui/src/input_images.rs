use comfyui::{ComfyUi, ImageNodesError, UploadInput, Workflow};
use dify_plugin::{Dify, Error, File, FileType};

use crate::failure::client_failure;

/// The pictures of a call, and the nodes they go to.
#[derive(Debug)]
pub(crate) struct InputImages {
    files: Vec<File>,
    /// Where the user chose the nodes.
    node_ids: Option<Vec<String>>,
}

impl InputImages {
    /// Takes the files in order, with the node ids that the user wrote, separated by commas.
    ///
    /// # Errors
    /// When a file is no picture, or when the pictures do not fit the workflow: before anything is sent anywhere.
    pub(crate) fn new(files: Vec<File>, node_ids: Option<&str>, workflow: &mut Workflow) -> Result<Self, Error> {
        if let Some(file) = files.iter().find(|file| file.kind() != FileType::Image) {
            return Err(Error::parameter(format!("images: {} is not a picture ({})", file.name(), kind(file))));
        }
        let node_ids = node_ids.map(parse_ids).filter(|ids| !ids.is_empty());
        let images = Self { files, node_ids };
        // Any names show whether the pictures fit.
        images.fill_in(&vec![""; images.files.len()], workflow)?;
        Ok(images)
    }

    pub(crate) const fn count(&self) -> usize {
        self.files.len()
    }

    /// Brings the pictures from Dify to the server, one after the other, and puts what it calls them into the workflow.
    ///
    /// # Errors
    /// When Dify does not give a picture, or the server does not take it.
    pub(crate) async fn upload(&self, dify: &Dify, server: &ComfyUi, workflow: &mut Workflow) -> Result<(), Error> {
        let mut names = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let body = dify.open(file).await?;
            let media_type = file.media_type().or(body.media_type()).unwrap_or("application/octet-stream").to_owned();
            let length = body.length();
            let input = UploadInput { file_name: file.name(), media_type, subfolder: String::new(), length, body };
            let uploaded = server.upload(input).await.map_err(|error| client_failure(&error))?;
            names.push(uploaded.as_input_value());
        }
        self.fill_in(&names, workflow)
    }

    fn fill_in<S: AsRef<str>>(&self, names: &[S], workflow: &mut Workflow) -> Result<(), Error> {
        match &self.node_ids {
            // A workflow that can do without pictures is also run without them.
            _ if names.is_empty() => Ok(()),
            None => workflow.set_images(names).map_err(|error| misfit("images", &error)),
            Some(ids) => workflow.set_images_by_id(ids, names).map_err(|error| misfit("image_ids", &error)),
        }
    }
}

fn parse_ids(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn misfit(parameter: &str, error: &ImageNodesError) -> Error {
    Error::parameter(format!("{parameter}: {error}"))
}

fn kind(file: &File) -> &str {
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
    use serde_json::json;

    use super::*;

    fn file(name: &str, kind: &str) -> File {
        serde_json::from_value(json!({"url": "http://dify/files/1", "filename": name, "type": kind})).unwrap()
    }

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"1": {"class_type": "LoadImage", "inputs": {"image": "kept.png"}},
                "2": {"class_type": "LoadImage", "inputs": {"image": "kept.png"}}}"#,
        )
        .unwrap()
    }

    fn refusal(files: Vec<File>, ids: Option<&str>) -> String {
        InputImages::new(files, ids, &mut workflow()).unwrap_err().message().to_owned()
    }

    #[test]
    fn what_is_not_a_picture_is_named() {
        assert_eq!(
            refusal(vec![file("a.png", "image"), file("b.pdf", "document")], None),
            "images: b.pdf is not a picture (document)"
        );
    }

    #[test]
    fn what_does_not_fit_names_its_parameter() {
        let picture = || file("a.png", "image");
        let too_many = refusal(vec![picture(), picture(), picture()], None);
        assert!(too_many.starts_with("images: 3 images were given, but the workflow has 2 nodes"), "{too_many}");
        let unknown = refusal(vec![picture()], Some("7"));
        assert!(unknown.starts_with("image_ids: the workflow has no node \"7\""), "{unknown}");
        let too_few = refusal(vec![picture(), picture()], Some("1"));
        assert!(too_few.starts_with("image_ids: 1 image node ids and 2 images"), "{too_few}");
    }

    #[test]
    fn ids_may_have_spaces_and_a_comma_too_many() {
        let mut workflow = workflow();
        let files = vec![file("a.png", "image"), file("b.png", "image")];
        let images = InputImages::new(files, Some(" 2, 1,"), &mut workflow).unwrap();
        images.fill_in(&["a", "b"], &mut workflow).unwrap();
        assert_eq!(workflow.node("2").unwrap().inputs["image"], "a");
        assert_eq!(workflow.node("1").unwrap().inputs["image"], "b");
    }

    #[test]
    fn without_pictures_the_workflow_stays_as_it_is() {
        let mut untouched = workflow();
        InputImages::new(vec![], Some("1,2"), &mut untouched).unwrap();
        assert_eq!(untouched, workflow());
    }
}
