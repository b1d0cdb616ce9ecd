use comfyui::{Folder, OutputFile, OutputText, Outputs, SocketImage, Workflow, compare_node_ids};
use dify_plugin::Error;

/// Which of a run's outputs the user wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// The ids of the chosen nodes; all of them, if nothing was chosen.
    nodes: Option<Vec<String>>,
    include_previews: bool,
}

/// Something that is brought to Dify as a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deliverable<'a> {
    /// In one of the server's folders.
    File(&'a OutputFile),
    /// Sent over the socket, and at hand.
    Socket(&'a SocketImage),
}

impl Deliverable<'_> {
    pub(crate) fn node_id(&self) -> &str {
        match self {
            Self::File(file) => &file.node_id,
            Self::Socket(image) => &image.node_id,
        }
    }
}

impl Selection {
    /// Reads `output_nodes`: ids or titles, separated by commas.
    ///
    /// # Errors
    /// When the workflow has no such node; the message lists those that are near.
    pub(crate) fn new(output_nodes: Option<&str>, include_previews: bool, workflow: &Workflow) -> Result<Self, Error> {
        let wanted = output_nodes.map(str::trim).filter(|names| !names.is_empty());
        let Some(wanted) = wanted else { return Ok(Self { nodes: None, include_previews }) };
        let found = |name: &str| {
            let id = workflow.find_node(name).map(str::to_owned);
            id.map_err(|error| Error::parameter(format!("output_nodes: {error}")))
        };
        // A title may have commas itself.
        if let Ok(id) = found(wanted) {
            return Ok(Self { nodes: Some(vec![id]), include_previews });
        }
        let names = wanted.split(',').map(str::trim).filter(|name| !name.is_empty());
        Ok(Self { nodes: Some(names.map(found).collect::<Result<_, _>>()?), include_previews })
    }

    /// The same previews or not, of these nodes only.
    pub(crate) fn only(&self, nodes: Vec<String>) -> Self {
        Self { nodes: Some(nodes), include_previews: self.include_previews }
    }

    fn has(&self, node_id: &str) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.iter().any(|node| node == node_id))
    }

    /// The files to bring, in the order of the node ids: results, and previews where they are wanted or where the chosen
    /// nodes make nothing else.
    pub(crate) fn files<'a>(&self, outputs: &'a Outputs, socket_images: &'a [SocketImage]) -> Vec<Deliverable<'a>> {
        let of = |folders: &[Folder]| -> Vec<Deliverable<'a>> {
            let chosen = outputs.files.iter().filter(|file| folders.contains(&file.folder) && self.has(&file.node_id));
            chosen.map(Deliverable::File).collect()
        };
        let mut files = if self.include_previews { of(&[Folder::Output, Folder::Temp]) } else { of(&[Folder::Output]) };
        files.extend(socket_images.iter().filter(|image| self.has(&image.node_id)).map(Deliverable::Socket));
        if files.is_empty() {
            files = of(&[Folder::Temp]);
        }
        // Stable: the server's order within a node is kept.
        files.sort_by(|a, b| compare_node_ids(a.node_id(), b.node_id()));
        files
    }

    /// The texts to tell.
    pub(crate) fn texts<'a>(&self, outputs: &'a Outputs) -> impl Iterator<Item = &'a OutputText> {
        outputs.texts.iter().filter(|text| self.has(&text.node_id))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"9": {"class_type": "SaveImage", "_meta": {"title": "Final, large"}},
                "10": {"class_type": "PreviewImage", "_meta": {"title": "Draft"}},
                "11": {"class_type": "SaveImageWebsocket"}}"#,
        )
        .unwrap()
    }

    fn outputs(files: &[(&str, &str)]) -> Outputs {
        let file = |(node_id, folder): &(&str, &str)| OutputFile {
            node_id: (*node_id).to_owned(),
            key: "images".to_owned(),
            index: 0,
            filename: format!("{folder}.png"),
            subfolder: String::new(),
            folder: Folder::from(*folder),
        };
        Outputs { files: files.iter().map(file).collect(), texts: Vec::new() }
    }

    fn chosen(nodes: &str, include_previews: bool, files: &[(&str, &str)], socket: bool) -> Vec<String> {
        let image = SocketImage { node_id: "11".to_owned(), index: 0, media_type: "image/png", image: Bytes::new() };
        let images = if socket { vec![image] } else { Vec::new() };
        let selection = Selection::new(Some(nodes), include_previews, &workflow()).unwrap();
        let outputs = outputs(files);
        selection
            .files(&outputs, &images)
            .iter()
            .map(|file| match file {
                Deliverable::File(file) => format!("{} {}", file.node_id, file.filename),
                Deliverable::Socket(image) => image.filename(),
            })
            .collect()
    }

    const ALL: [(&str, &str); 3] = [("9", "output"), ("10", "temp"), ("10", "input")];

    #[test]
    fn previews_count_only_without_results_or_when_they_are_wanted() {
        assert_eq!(chosen("", false, &ALL, false), ["9 output.png"]);
        assert_eq!(chosen("", true, &ALL, true), ["9 output.png", "10 temp.png", "websocket_11_00001.png"]);
        assert_eq!(chosen("", false, &ALL[1..], false), ["10 temp.png"]);
        assert_eq!(chosen("", false, &ALL[1..], true), ["websocket_11_00001.png"]);
    }

    #[test]
    fn nodes_are_chosen_by_id_or_title() {
        assert_eq!(chosen("Draft", false, &ALL, true), ["10 temp.png"]);
        assert_eq!(chosen("Final, large", false, &ALL, true), ["9 output.png"]);
        assert_eq!(chosen("11, 9", false, &ALL, true), ["9 output.png", "websocket_11_00001.png"]);
        let error = Selection::new(Some("9, Drft"), false, &workflow()).unwrap_err();
        assert_eq!(
            error.message(),
            "output_nodes: the workflow has no node \"Drft\"; there is node 10 \"Draft\" (PreviewImage)"
        );
    }
}
