use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use comfyui::{ClientError, ComfyUi, OutputFile, SocketImage, Workflow};
use dify_plugin::{Error, OutgoingFile, Reply};
use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::json;
use tokio::time::Instant;

use crate::call_time::CallTime;
use crate::failure::failure_after_start;
use crate::log_step::finish;
use crate::selection::Deliverable;

/// A file that was brought to Dify, as the reply's object lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SentFile {
    pub(crate) node_id: String,
    /// Given to the node in ComfyUI's editor.
    pub(crate) title: Option<String>,
    pub(crate) filename: String,
    /// Below the folder; empty for none.
    pub(crate) subfolder: String,
    /// The folder in ComfyUI's word: `output` or `temp`; `websocket` for a picture that was in none.
    pub(crate) r#type: String,
    pub(crate) media_type: String,
    /// Bytes.
    pub(crate) size: u64,
}

/// A file that did not get to Dify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LostFile {
    pub(crate) node_id: String,
    pub(crate) filename: String,
    /// Why, and what to change.
    pub(crate) error: String,
    /// Whether the server does not have it any more.
    #[serde(skip)]
    pub(crate) is_gone: bool,
}

/// What came of the files of a run.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    pub(crate) sent: Vec<SentFile>,
    pub(crate) lost: Vec<LostFile>,
    /// Whether the call's time was over before the last file.
    pub(crate) is_cut_short: bool,
}

/// Brings files to Dify while the user watches, for as long as the call has time.
///
/// # Errors
/// When Dify is gone.
pub(crate) async fn deliver(
    files: &[Deliverable<'_>],
    server: &ComfyUi,
    workflow: &Workflow,
    reply: &Reply,
    time: CallTime,
) -> Result<Delivery, Error> {
    let mut delivery = Delivery::default();
    if files.is_empty() {
        return Ok(delivery);
    }
    let begun = Instant::now();
    let step = reply.log("Bring the files to Dify", json!({"files": files.len()}), json!({})).await?;
    delivery.is_cut_short = time.after_the_run(delivery.bring(files, server, workflow, reply)).await.is_none();
    let outcome = match delivery.lost.first() {
        Some(lost) => Err(Error::failed(lost.error.clone())),
        None if delivery.is_cut_short => Err(Error::failed("the time of the call is over")),
        None => Ok(()),
    };
    // Told with the summary, too.
    let _ = finish(step, begun, outcome).await;
    Ok(delivery)
}

impl Delivery {
    /// Brings the files to Dify, one after the other, piece by piece as they come from the server. One that fails does
    /// not hold up the others.
    async fn bring(&mut self, files: &[Deliverable<'_>], server: &ComfyUi, workflow: &Workflow, reply: &Reply) {
        for file in files {
            let outcome = match file {
                Deliverable::File(file) => bring_file(file, server, workflow, reply).await,
                Deliverable::Socket(image) => bring_image(image, workflow, reply).await,
            };
            match outcome {
                Ok(sent) => self.sent.push(sent),
                Err(lost) => self.lost.push(lost),
            }
        }
    }

    /// Takes out the nodes whose files the server does not have any more, so that they can be made again.
    pub(crate) fn take_gone(&mut self) -> Vec<String> {
        let gone = self.lost.extract_if(.., |file| file.is_gone).map(|file| file.node_id);
        let mut nodes: Vec<String> = gone.collect();
        nodes.dedup();
        nodes
    }

    /// # Errors
    /// When there were files, and none of them arrived.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.lost.as_slice() {
            [first, rest @ ..] if self.sent.is_empty() => {
                let more = if rest.is_empty() { String::new() } else { format!(" (and {} more files)", rest.len()) };
                Err(Error::failed(format!("the workflow ran, but {}{more}", first.error)))
            }
            [] if self.sent.is_empty() && self.is_cut_short => Err(Error::failed(
                "the workflow ran, but none of its files could be brought to Dify in the time that the call has (timeout); \
                 they are on the server",
            )),
            _ => Ok(()),
        }
    }
}

async fn bring_file(
    file: &OutputFile,
    server: &ComfyUi,
    workflow: &Workflow,
    reply: &Reply,
) -> Result<SentFile, LostFile> {
    let lost = |error: String, is_gone| LostFile {
        node_id: file.node_id.clone(),
        filename: file.filename.clone(),
        error,
        is_gone,
    };
    let stream = match server.view(file).await {
        Ok(stream) => stream,
        Err(error @ ClientError::NoSuchFile { .. }) => return Err(lost(error.to_string(), true)),
        Err(error) => return Err(lost(format!("{} could not be fetched: {}", file.filename, error.brief()), false)),
    };
    let length = stream.length();
    let size = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&size);
    let content = stream.map_err(|error| failure_after_start(&error)).inspect_ok(move |bytes| {
        counted.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    let mut outgoing = OutgoingFile::stream(content).name(&file.filename).media_type(file.media_type());
    if let Some(length) = length {
        outgoing = outgoing.length(length);
    }
    reply.file(outgoing).await.map_err(|error| lost(named(&file.filename, error.message()), false))?;
    Ok(SentFile {
        node_id: file.node_id.clone(),
        title: workflow.node_label(&file.node_id).title,
        filename: file.filename.clone(),
        subfolder: file.subfolder.clone(),
        r#type: file.folder.as_str().to_owned(),
        media_type: file.media_type().to_owned(),
        size: size.load(Ordering::Relaxed),
    })
}

async fn bring_image(image: &SocketImage, workflow: &Workflow, reply: &Reply) -> Result<SentFile, LostFile> {
    let filename = image.filename();
    let outgoing = OutgoingFile::bytes(image.image.clone()).name(&filename).media_type(image.media_type);
    match reply.file(outgoing).await {
        Ok(()) => Ok(SentFile {
            node_id: image.node_id.clone(),
            title: workflow.node_label(&image.node_id).title,
            filename,
            subfolder: String::new(),
            r#type: "websocket".to_owned(),
            media_type: image.media_type.to_owned(),
            size: image.image.len() as u64,
        }),
        Err(error) => Err(LostFile {
            node_id: image.node_id.clone(),
            error: named(&filename, error.message()),
            filename,
            is_gone: false,
        }),
    }
}

/// The error with the file's name, once.
fn named(filename: &str, error: &str) -> String {
    if error.contains(filename) { error.to_owned() } else { format!("{filename} was not delivered: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(name: &str, is_gone: bool) -> LostFile {
        LostFile { node_id: name.to_owned(), filename: format!("{name}.png"), error: format!("{name}: no"), is_gone }
    }

    #[test]
    fn only_a_run_without_any_file_left_is_a_failure() {
        let mut delivery =
            Delivery { sent: Vec::new(), lost: vec![lost("a", false), lost("b", false)], is_cut_short: false };
        assert_eq!(delivery.check().unwrap_err().message(), "the workflow ran, but a: no (and 1 more files)");
        delivery.sent.push(SentFile {
            node_id: "1".to_owned(),
            title: None,
            filename: "c.png".to_owned(),
            subfolder: String::new(),
            r#type: "output".to_owned(),
            media_type: "image/png".to_owned(),
            size: 1,
        });
        delivery.check().unwrap();
        Delivery::default().check().unwrap();
    }

    #[test]
    fn what_is_gone_is_taken_out_to_be_made_again() {
        let mut delivery = Delivery {
            sent: Vec::new(),
            lost: vec![lost("a", true), lost("b", false), lost("a", true)],
            is_cut_short: false,
        };
        assert_eq!(delivery.take_gone(), ["a"]);
        assert_eq!(delivery.lost.len(), 1);
    }

    #[test]
    fn a_message_names_its_file_once() {
        assert_eq!(named("a.png", "a.png is too large"), "a.png is too large");
        assert_eq!(named("a.png", "too large"), "a.png was not delivered: too large");
    }
}
