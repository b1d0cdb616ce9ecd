use std::cmp::Ordering;
use std::fmt;

use indexmap::{IndexMap, IndexSet};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The most files and texts that are taken from one run.
const MAX_OUTPUTS: usize = 10_000;
/// How deep a node's output is searched for files.
const MAX_DEPTH: usize = 16;

/// What the nodes of a run put out, as its history entry lists it (`outputs`).
///
/// In the order of the node ids, numeric ones first and by number; within a node in the order of the server's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Files of every kind: whatever object has a `filename`, under whatever key.
    pub files: Vec<OutputFile>,
    /// Texts, such as those of `PreviewAny` and `SaveText`: the strings under `text`.
    pub texts: Vec<OutputText>,
}

/// A file that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputFile {
    /// The node that made it.
    pub node_id: String,
    /// The key in the node's output, such as `images`, `audio`, `gifs` or `3d`. It does not tell the kind of file:
    /// `SaveVideo` lists its mp4 under `images`.
    pub key: String,
    /// The place among the files of that node and key, from 0.
    pub index: usize,
    /// The name, without directories.
    pub filename: String,
    /// The directory below the folder; empty for none.
    pub subfolder: String,
    /// The folder.
    pub folder: Folder,
}

/// A text that a node put out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutputText {
    /// The node.
    pub node_id: String,
    /// The place among the node's texts, from 0.
    pub index: usize,
    /// The text.
    pub text: String,
}

/// The server's folders, `type` in its JSON.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Folder {
    /// `output`: results.
    Output,
    /// `temp`: previews, wiped when the server starts.
    Temp,
    /// `input`: uploads.
    Input,
    /// Anything else, which `/view` refuses.
    Other(String),
}

impl Folder {
    /// The word in the server's JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Output => "output",
            Self::Temp => "temp",
            Self::Input => "input",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Folder {
    fn from(name: &str) -> Self {
        match name {
            "output" | "" => Self::Output,
            "temp" => Self::Temp,
            "input" => Self::Input,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl OutputFile {
    /// Whether it is a preview (`temp`) and not a result.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.folder == Folder::Temp
    }

    /// The media type that the name speaks of, without parameters; `application/octet-stream` for an unknown one.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        mime_guess::from_path(&self.filename).first_raw().unwrap_or("application/octet-stream")
    }
}

impl fmt::Display for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subfolder.is_empty() {
            write!(f, "{}/", self.subfolder)?;
        }
        f.write_str(&self.filename)
    }
}

/// The shape of `outputs` in a history entry: by node id, what the node gave.
pub(crate) type RawOutputs = IndexMap<String, NodeOutput>;

/// What one node gave: an object, in the order of its keys. Anything else holds no files.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum NodeOutput {
    Keys(IndexMap<String, Value>),
    Other(IgnoredAny),
}

/// What the nodes of a run put out, told node by node in any order.
#[derive(Debug, Default)]
pub(crate) struct OutputsAsTold {
    files: IndexSet<OutputFile>,
    texts: IndexSet<OutputText>,
}

impl OutputsAsTold {
    /// Takes in what another node put out; once, however often it is told.
    pub(crate) fn add(&mut self, outputs: Outputs) {
        for file in outputs.files {
            if self.files.len() < MAX_OUTPUTS {
                self.files.insert(file);
            }
        }
        for text in outputs.texts {
            if self.texts.len() < MAX_OUTPUTS {
                self.texts.insert(text);
            }
        }
    }

    /// All of it, in the order of the record.
    pub(crate) fn in_order(&self) -> Outputs {
        let mut files: Vec<_> = self.files.iter().cloned().collect();
        let mut texts: Vec<_> = self.texts.iter().cloned().collect();
        files.sort_by(|a, b| compare_node_ids(&a.node_id, &b.node_id));
        texts.sort_by(|a, b| compare_node_ids(&a.node_id, &b.node_id));
        Outputs { files, texts }
    }
}

impl Outputs {
    /// Only what the run was for: the files without the previews.
    pub fn results(&self) -> impl Iterator<Item = &OutputFile> {
        self.files.iter().filter(|file| !file.is_preview())
    }

    pub(crate) fn read(raw: &RawOutputs) -> Self {
        let mut nodes: Vec<(&String, &NodeOutput)> = raw.iter().collect();
        nodes.sort_by_key(|(id, _)| place(id));
        let mut outputs = Self::default();
        for (node_id, output) in nodes {
            let NodeOutput::Keys(keys) = output else { continue };
            for (key, value) in keys {
                let first = outputs.files.len();
                outputs.take_files(node_id, key, value, first, 0);
                if key == "text" {
                    outputs.take_texts(node_id, value);
                }
            }
        }
        outputs
    }

    fn take_files(&mut self, node_id: &str, key: &str, value: &Value, first: usize, depth: usize) {
        if depth > MAX_DEPTH || self.files.len() >= MAX_OUTPUTS {
            return;
        }
        match value {
            Value::Array(values) => {
                for value in values {
                    self.take_files(node_id, key, value, first, depth + 1);
                }
            }
            Value::Object(fields) => {
                let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
                let name = text("filename");
                if name.is_empty() {
                    for value in fields.values() {
                        self.take_files(node_id, key, value, first, depth + 1);
                    }
                    return;
                }
                let (subfolder, filename) = split(text("subfolder"), name);
                self.files.push(OutputFile {
                    node_id: node_id.to_owned(),
                    key: key.to_owned(),
                    index: self.files.len() - first,
                    filename,
                    subfolder,
                    folder: Folder::from(text("type")),
                });
            }
            _ => {}
        }
    }

    fn take_texts(&mut self, node_id: &str, value: &Value) {
        let strings: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let room = MAX_OUTPUTS.saturating_sub(self.texts.len());
        self.texts.extend(strings.into_iter().take(room).enumerate().map(|(index, text)| OutputText {
            node_id: node_id.to_owned(),
            index,
            text: text.to_owned(),
        }));
    }
}

/// Directories belong into the subfolder: `/view` drops those it finds in a file name, and serves another file.
fn split(subfolder: &str, name: &str) -> (String, String) {
    match name.rsplit_once('/') {
        None => (subfolder.to_owned(), name.to_owned()),
        Some((directory, name)) if subfolder.is_empty() => (directory.to_owned(), name.to_owned()),
        Some((directory, name)) => (format!("{}/{directory}", subfolder.trim_end_matches('/')), name.to_owned()),
    }
}

/// The order in which outputs are listed: node `9` before `10`, `12:3` (a node of a subgraph) after `12`, names last.
#[must_use]
pub fn compare_node_ids(a: &str, b: &str) -> Ordering {
    place(a).cmp(&place(b))
}

/// The order of node ids: `9` before `10`, `12:3` (a node of a subgraph) after `12`, and names last.
pub(crate) fn place(id: &str) -> (bool, Vec<u64>, &str) {
    let numbers: Option<Vec<u64>> = id.split([':', '.']).map(|part| part.parse().ok()).collect();
    match numbers {
        Some(numbers) => (false, numbers, ""),
        None => (true, Vec::new(), id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Outputs {
        Outputs::read(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn files_of_every_key_and_depth_are_found_in_a_stable_order() {
        let outputs = read(
            r#"{"10": {"images": [{"filename": "vid_00001_.mp4", "subfolder": "rec", "type": "output"}], "animated": [true]},
                "9": {"zebra": {"files": [{"filename": "x.glb", "type": "output"}]},
                      "audio": [{"filename": "a.flac", "subfolder": "", "type": "temp"}, {"filename": "b.flac", "type": "temp"}]},
                "x": {"gifs": [{"filename": "c.gif", "subfolder": "", "type": "output", "format": "image/gif"}]},
                "12:3": {"images": [{"filename": "d.webp"}]},
                "12": {"images": ["not a file", null, {"filename": ""}, {"name": "e"}]}}"#,
        );
        let found: Vec<_> = outputs
            .files
            .iter()
            .map(|file| (file.node_id.as_str(), file.key.as_str(), file.index, file.to_string()))
            .collect();
        assert_eq!(
            found,
            [
                ("9", "zebra", 0, "x.glb".to_owned()),
                ("9", "audio", 0, "a.flac".to_owned()),
                ("9", "audio", 1, "b.flac".to_owned()),
                ("10", "images", 0, "rec/vid_00001_.mp4".to_owned()),
                ("12:3", "images", 0, "d.webp".to_owned()),
                ("x", "gifs", 0, "c.gif".to_owned()),
            ]
        );
        let results: Vec<_> = outputs.results().map(|file| file.filename.as_str()).collect();
        assert_eq!(results, ["x.glb", "vid_00001_.mp4", "d.webp", "c.gif"]);
    }

    #[test]
    fn texts_are_found() {
        let outputs = read(
            r#"{"5": {"text": ["one", "two"], "files": [{"filename": "t.txt", "type": "output"}]}, "6": {"text": "three"}}"#,
        );
        let texts: Vec<_> =
            outputs.texts.iter().map(|text| (text.node_id.as_str(), text.index, text.text.as_str())).collect();
        assert_eq!(texts, [("5", 0, "one"), ("5", 1, "two"), ("6", 0, "three")]);
        assert_eq!(outputs.files[0].filename, "t.txt");
    }

    #[test]
    fn directories_in_a_file_name_move_to_the_subfolder() {
        let outputs =
            read(r#"{"1": {"images": [{"filename": "a/b.png"}, {"filename": "a/b.png", "subfolder": "s/"}]}}"#);
        let places: Vec<_> =
            outputs.files.iter().map(|file| (file.subfolder.as_str(), file.filename.as_str())).collect();
        assert_eq!(places, [("a", "b.png"), ("s/a", "b.png")]);
    }

    #[test]
    fn media_types_follow_the_name() {
        let media_type = |name: &str| {
            let json = format!(r#"{{"1": {{"images": [{{"filename": "{name}"}}]}}}}"#);
            read(&json).files[0].media_type()
        };
        assert_eq!(media_type("a.png"), "image/png");
        assert_eq!(media_type("a.webp"), "image/webp");
        assert_eq!(media_type("a.mp4"), "video/mp4");
        assert_eq!(media_type("a.webm"), "video/webm");
        assert_eq!(media_type("a.flac"), "audio/flac");
        assert_eq!(media_type("a.mp3"), "audio/mpeg");
        assert_eq!(media_type("a.opus"), "audio/ogg");
        assert_eq!(media_type("a.glb"), "model/gltf-binary");
        assert_eq!(media_type("a.svg"), "image/svg+xml");
        assert_eq!(media_type("a"), "application/octet-stream");
    }

    #[test]
    fn what_is_told_node_by_node_is_what_the_record_lists() {
        let node =
            |id: usize| format!(r#""{id}": {{"images": [{{"filename": "a"}}, {{"filename": "b"}}], "text": ["t"]}}"#);
        let whole = read(&format!("{{{}}}", (1..=30).map(node).collect::<Vec<_>>().join(",")));
        let mut told = OutputsAsTold::default();
        for id in (1..=30).rev().chain(1..=30) {
            told.add(read(&format!("{{{}}}", node(id))));
        }
        assert_eq!(told.in_order(), whole);
    }

    #[test]
    fn no_more_is_kept_of_what_is_told_than_of_a_record() {
        let mut told = OutputsAsTold::default();
        for id in 0..MAX_OUTPUTS + 5 {
            told.add(read(&format!(r#"{{"{id}": {{"images": [{{"filename": "a"}}], "text": "t"}}}}"#)));
        }
        let outputs = told.in_order();
        assert_eq!((outputs.files.len(), outputs.texts.len()), (MAX_OUTPUTS, MAX_OUTPUTS));
        assert_eq!(outputs.files[MAX_OUTPUTS - 1].node_id, (MAX_OUTPUTS - 1).to_string());
    }

    #[test]
    fn nesting_and_number_are_bounded() {
        let deep = format!(r#"{{"1": {{"x": {}{{"filename": "a"}}{}}}}}"#, "[".repeat(50), "]".repeat(50));
        assert!(read(&deep).files.is_empty());
        let many = vec![r#"{"filename": "a"}"#; MAX_OUTPUTS + 5].join(",");
        assert_eq!(read(&format!(r#"{{"1": {{"x": [{many}]}}}}"#)).files.len(), MAX_OUTPUTS);
    }
}
