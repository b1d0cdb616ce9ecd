use std::sync::{Arc, OnceLock};
use std::time::Duration;

use comfyui::{ComfyUi, ExecuteOptions, Finished, RunError, Update, Workflow};
use dify_plugin::{Error, LogStep, Reply};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::log_step::{finish, finish_with};
use crate::progress::Progress;

/// Between two messages on how far the run is. Each is stored by Dify, and a sampler has many steps a second.
const BETWEEN_UPDATES: Duration = Duration::from_millis(500);

/// How long the server may take to say its version.
const FOR_THE_VERSION: Duration = Duration::from_secs(2);

/// Runs the workflow within `time`, while the user watches. When Dify is gone, the prompt is cancelled on the server.
///
/// # Errors
/// When the run gives no result, in the words of `explain`; the message names the node that failed.
pub(crate) async fn execute(
    server: &ComfyUi,
    workflow: &Workflow,
    time: Duration,
    reply: &Reply,
    explain: impl Fn(&RunError) -> Error + Send,
) -> Result<Finished, Error> {
    let data = json!({"nodes": workflow.nodes().len()});
    execute_as("Run the workflow", data, server, workflow, time, reply, explain).await
}

/// As [`execute`], under another label and with an object that the user can open.
///
/// # Errors
/// As [`execute`].
pub(crate) async fn execute_as(
    label: &str,
    data: Value,
    server: &ComfyUi,
    workflow: &Workflow,
    time: Duration,
    reply: &Reply,
    explain: impl Fn(&RunError) -> Error + Send,
) -> Result<Finished, Error> {
    let begun = Instant::now();
    let step = reply.log(label, data, json!({})).await?;
    let (tell, told) = watch::channel(Progress::default());
    let polled: Arc<OnceLock<String>> = Arc::default();
    let noted = Arc::clone(&polled);
    let on_update = move |update| {
        if let Update::Polling { reason } = &update {
            tracing::warn!(%reason, "no WebSocket: the run is followed by polling");
            let _ = noted.set(reason.clone());
        }
        tell.send_if_modified(|progress| progress.apply(update));
    };
    let run = async { Ok(server.execute(workflow, ExecuteOptions::new(time), on_update).await) };
    // Side by side: a Dify that is slow to read must not keep the server's events waiting.
    let (outcome, activity) = tokio::try_join!(run, report(&step, told))?;
    let outcome = outcome.map_err(|error| explain(&error));
    if let Some(activity) = activity {
        let ended = outcome.as_ref().map(|_| ()).map_err(Error::clone);
        // The error itself is told with the step above.
        let _ = finish(activity, begun, ended).await;
    }
    let data = match polled.get() {
        Some(reason) => json!({"followed_by": format!("polling, because the WebSocket was not available: {reason}")}),
        None => json!({}),
    };
    finish_with(step, begun, outcome, data).await
}

/// ComfyUI's version, where it says so in time: nothing depends on it.
pub(crate) async fn server_version(server: &ComfyUi) -> Option<String> {
    timeout(FOR_THE_VERSION, server.system_stats()).await.ok()?.ok()?.comfyui_version
}

/// Shows where the run is, as one step below `step`, until nobody tells any more. Gives that step, if it came to one.
async fn report(step: &LogStep, mut told: watch::Receiver<Progress>) -> Result<Option<LogStep>, Error> {
    let mut activity: Option<LogStep> = None;
    let mut shown = Progress::default();
    loop {
        let next = told.wait_for(|progress| *progress != shown).await.map(|progress| progress.clone());
        match next {
            Ok(progress) => shown = progress,
            Err(_) => return Ok(activity),
        }
        match &mut activity {
            Some(activity) => activity.update(shown.label(), shown.data()).await?,
            None => activity = Some(step.step(shown.label(), shown.data()).await?),
        }
        // Cut short by the end of the run, which no progress is to hold up.
        if timeout(BETWEEN_UPDATES, told.wait_for(|_| false)).await.is_ok() {
            return Ok(activity);
        }
    }
}
