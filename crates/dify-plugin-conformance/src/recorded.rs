use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// Where the recordings are: `DIFY_VECTORS`, or `../shared/dify-vectors` beside the workspace; `None` when they are not
/// there.
#[must_use]
pub fn recorded_sessions() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/dify-vectors");
    let folder = env::var_os("DIFY_VECTORS").map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// One recorded session.
#[derive(Debug)]
pub struct RecordedCase {
    /// The name of its file, without the extension.
    pub name: String,
    /// Its lines, in the order of recording.
    pub lines: Vec<Line>,
}

/// A line of a recorded session.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The daemon wrote it.
    In(String),
    /// The plugin wrote it. Lines that are no JSON are held as a JSON text.
    Out(Value),
}

impl RecordedCase {
    /// Reads a `.jsonl` file of the recordings.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn read(file: &Path) -> io::Result<Self> {
        #[derive(Deserialize)]
        struct Entry {
            dir: Option<String>,
            json: Option<Value>,
            raw: Option<String>,
        }
        let mut lines = Vec::new();
        for text in fs::read_to_string(file)?.lines() {
            let entry: Entry = serde_json::from_str(text)?;
            match (entry.dir.as_deref(), entry.json, entry.raw) {
                (Some("in"), Some(json), None) => lines.push(Line::In(json.to_string())),
                (Some("in"), None, Some(raw)) => lines.push(Line::In(raw)),
                (Some("out"), Some(json), None) => lines.push(Line::Out(json)),
                (Some("out"), None, Some(raw)) => lines.push(Line::Out(Value::from(raw))),
                (None, None, None) => {}
                _ => return Err(io::Error::other(format!("{}: an unknown kind of entry", file.display()))),
            }
        }
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, lines })
    }

    /// What the recorded plugin wrote.
    #[must_use]
    pub fn out(&self) -> Vec<Value> {
        self.lines.iter().filter_map(|line| if let Line::Out(out) = line { Some(out.clone()) } else { None }).collect()
    }

    /// The ids of the calls back that the recorded plugin made, in order.
    pub(crate) fn invocation_ids(&self) -> Vec<String> {
        self.out().iter().filter_map(invocation_id).collect()
    }
}

/// The id of the call back that a line makes, if it makes one.
pub(crate) fn invocation_id(out: &Value) -> Option<String> {
    let is_invocation = out["data"]["type"] == "invoke";
    is_invocation.then(|| out["data"]["data"]["backwards_request_id"].as_str().map(str::to_owned))?
}
