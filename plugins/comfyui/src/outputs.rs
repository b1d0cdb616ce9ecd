use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use comfyui::{ComfyUi, Folder, OutputFile, Outputs, Workflow};
use dify_plugin::{Error, OutgoingFile, Reply};
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::failure::client_failure;

/// A file that was brought to Dify, as the reply's object lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SentFile {
    pub(crate) node_id: String,
    /// Given to the node in ComfyUI's editor.
    pub(crate) title: Option<String>,
    pub(crate) filename: String,
    /// Below the folder; empty for none.
    pub(crate) subfolder: String,
    /// The folder in ComfyUI's word: `output` or `temp`.
    pub(crate) r#type: String,
    /// Bytes.
    pub(crate) size: u64,
}

/// The files that are brought to Dify: results, or, where the workflow only previews, the previews.
pub(crate) fn to_send(outputs: &Outputs) -> Vec<&OutputFile> {
    let of = |folder: Folder| outputs.files.iter().filter(move |file| file.folder == folder).collect::<Vec<_>>();
    let results = of(Folder::Output);
    if results.is_empty() { of(Folder::Temp) } else { results }
}

/// Brings the files to Dify, one after the other, piece by piece as they come from the server.
///
/// # Errors
/// When a file cannot be fetched, or is too large for every way into Dify.
pub(crate) async fn send(
    files: &[&OutputFile],
    server: &ComfyUi,
    workflow: &Workflow,
    reply: &Reply,
) -> Result<Vec<SentFile>, Error> {
    let mut sent = Vec::with_capacity(files.len());
    for file in files {
        let size = send_one(file, server, reply).await?;
        sent.push(SentFile {
            node_id: file.node_id.clone(),
            title: workflow.node_label(&file.node_id).title,
            filename: file.filename.clone(),
            subfolder: file.subfolder.clone(),
            r#type: file.folder.as_str().to_owned(),
            size,
        });
    }
    Ok(sent)
}

async fn send_one(file: &OutputFile, server: &ComfyUi, reply: &Reply) -> Result<u64, Error> {
    let stream = server.view(file).await.map_err(|error| client_failure(&error))?;
    let length = stream.length();
    let size = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&size);
    let content = stream.map_err(|error| client_failure(&error)).inspect_ok(move |bytes| {
        counted.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    let mut outgoing = OutgoingFile::stream(content).name(&file.filename).media_type(file.media_type());
    if let Some(length) = length {
        outgoing = outgoing.length(length);
    }
    reply.file(outgoing).await?;
    Ok(size.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(folders: &[&str]) -> Outputs {
        let file = |folder: &&str| OutputFile {
            node_id: "9".to_owned(),
            key: "images".to_owned(),
            index: 0,
            filename: format!("{folder}.png"),
            subfolder: String::new(),
            folder: Folder::from(*folder),
        };
        Outputs { files: folders.iter().map(file).collect(), texts: Vec::new() }
    }

    fn names(outputs: &Outputs) -> Vec<&str> {
        to_send(outputs).into_iter().map(|file| file.filename.as_str()).collect()
    }

    #[test]
    fn previews_count_only_without_results() {
        assert_eq!(names(&outputs(&["temp", "output", "input", "temp"])), ["output.png"]);
        assert_eq!(names(&outputs(&["temp", "input"])), ["temp.png"]);
        assert_eq!(names(&outputs(&["input"])), [""; 0]);
    }
}
