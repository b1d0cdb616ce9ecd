//! An answer as the user sees it while it arrives.

use std::time::Duration;

use dify_plugin_host::{CallEvent, CallRequest, PluginProcess};
use dify_plugin_protocol::{LogStatus, Message, MessageBody};
use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;
use crate::received::Folder;
use crate::say::{complain, say};
use crate::shown::shown;

/// Makes a call, shows what it is at, saves its files to `folder` and prints its texts.
pub(super) async fn show(plugin: &PluginProcess, request: CallRequest, folder: &Folder) -> Result<(), Failure> {
    let sink = folder.clone();
    let request = request.files_to(move |file| sink.sink(file));
    let mut call = plugin.start_call(request).await?;
    let spinner = ProgressBar::new_spinner();
    spinner.set_style(ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}")?);
    spinner.enable_steady_tick(Duration::from_millis(100));
    while let Some(event) = call.next().await {
        match event? {
            CallEvent::Message(Message { body, .. }) => match body {
                MessageBody::Text(text) | MessageBody::Link(text) => {
                    spinner.suspend(|| say!("{}", shown(&text.text)))?;
                }
                MessageBody::Json(json) => {
                    let json = shown(&serde_json::to_string_pretty(&json.json_object)?);
                    spinner.suspend(|| say!("{json}"))?;
                }
                MessageBody::Variable(variable) => {
                    spinner.suspend(|| {
                        say!("{} = {}", shown(&variable.variable_name), shown(&variable.variable_value.to_string()))
                    })?;
                }
                MessageBody::Log(log) if log.status == LogStatus::Error => {
                    spinner.suspend(|| complain!("{}: {}", shown(&log.label), shown(&log.error.unwrap_or_default())));
                }
                MessageBody::Log(log) => spinner.set_message(shown(&log.label)),
                _ => {}
            },
            CallEvent::Progress { received, total, .. } => spinner.set_message(format!("{received} of {total} bytes")),
            CallEvent::File(file) => {
                let path = folder.settle(&file)?;
                let kind = file.media_type.unwrap_or_default();
                spinner.suspend(|| {
                    say!("{} ({} bytes, {})", shown(&path.display().to_string()), file.size, shown(&kind))
                })?;
            }
            _ => {}
        }
    }
    spinner.finish_and_clear();
    Ok(())
}
