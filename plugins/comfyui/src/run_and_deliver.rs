use comfyui::ComfyUi;
use dify_plugin::{Error, Reply};
use uuid::Uuid;

use crate::call_time::CallTime;
use crate::execution::{execute, server_version};
use crate::outputs::{Delivery, LostFile, deliver};
use crate::parties::Parties;
use crate::preparation::{Loaded, Prepared};
use crate::selection::Selection;
use crate::summary::{Summary, dropped, seconds};

/// Runs a workflow and brings back what it makes, in this order:
///
/// 1. While it works, log steps: the download of models, the upload of the files, the run with its place in the queue and
///    the node and step it is at, and the way of the results.
/// 2. Every file that the run put into ComfyUI's `output` folder or sent over the socket, in the order of the node ids.
///    Only where there is none, as in a workflow that ends in `PreviewImage`, the previews in `temp`.
/// 3. Every text that a node put out, or how many files there are; and a note on each thing that went wrong.
/// 4. One object: the id of the prompt, the server's version, the times, the seeds as decimal text, and node, name and
///    size of each file. Id and seeds are output variables, too.
///
/// # Errors
/// When the workflow gives no result, or none of its files can be brought.
pub(crate) async fn run_and_deliver(loaded: Loaded, selection: Selection, parties: Parties<'_>) -> Result<(), Error> {
    let Parties { server, reply, time, .. } = parties;
    let prepared = loaded.prepare(parties).await?;
    let explain = |error: &_| prepared.failure(error);
    let run = execute(server, &prepared.workflow, time.left_for_the_run(), reply, explain);
    let (finished, version) = tokio::join!(run, server_version(server));
    let finished = finished?;

    let mut summary = Summary::new(&finished.prompt_id, prepared.seeds.clone());
    summary.server_version = version;
    summary.queued_seconds = Some(seconds(finished.queued));
    summary.run_seconds = Some(seconds(finished.ran));
    let told = finished.warnings.iter().map(ToString::to_string);
    summary.warnings = prepared.notes.iter().cloned().chain(dropped(&finished.node_errors)).chain(told).collect();
    let texts = selection.texts(&finished.outputs).map(|text| text.text.clone()).collect();

    let files = selection.files(&finished.outputs, &finished.socket_images);
    let mut delivery = deliver(&files, server, &prepared.workflow, reply, time).await?;
    let gone = delivery.take_gone();
    if !gone.is_empty() {
        let again = make_again(gone, &selection, server, &prepared, reply, time).await?;
        delivery.sent.extend(again.sent);
        delivery.lost.extend(again.lost);
        delivery.is_cut_short |= again.is_cut_short;
    }
    delivery.check()?;
    summary.delivered(delivery);
    summary.send(texts, reply).await
}

/// Runs the nodes once more whose files are gone from the server, which remembers them as made: what feeds them stays
/// cached. Brings the files of these nodes.
async fn make_again(
    nodes: Vec<String>,
    selection: &Selection,
    server: &ComfyUi,
    prepared: &Prepared,
    reply: &Reply,
    time: CallTime,
) -> Result<Delivery, Error> {
    let mut workflow = prepared.workflow.clone();
    let nonce = Uuid::new_v4().to_string();
    nodes.iter().for_each(|node| workflow.avoid_cache(node, &nonce));
    match execute(server, &workflow, time.left_for_the_run(), reply, |error| prepared.failure(error)).await {
        Ok(finished) => {
            let selection = selection.only(nodes);
            deliver(&selection.files(&finished.outputs, &[]), server, &workflow, reply, time).await
        }
        Err(error) => {
            let lost = nodes.into_iter().map(|node_id| LostFile {
                error: format!(
                    "the files of {} are gone from the server, and could not be made again: {}",
                    workflow.node_label(&node_id),
                    error.message()
                ),
                node_id,
                filename: String::new(),
                is_gone: true,
            });
            Ok(Delivery { lost: lost.collect(), ..Delivery::default() })
        }
    }
}
