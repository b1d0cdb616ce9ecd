use tokio::runtime::Handle;

use crate::ComfyUi;

/// Cancels a prompt on the server when an execution is dropped in the middle: nobody would collect its results.
#[derive(Debug)]
pub(super) struct CancelOnDrop {
    armed: Option<(ComfyUi, String)>,
}

impl CancelOnDrop {
    pub(super) fn new(server: &ComfyUi, prompt_id: &str) -> Self {
        Self { armed: Some((server.clone(), prompt_id.to_owned())) }
    }

    /// The server has given the prompt another id.
    pub(super) fn rename(&mut self, prompt_id: &str) {
        if let Some((_, armed)) = &mut self.armed
            && armed != prompt_id
        {
            prompt_id.clone_into(armed);
        }
    }

    /// The prompt is over, or was cancelled.
    pub(super) fn disarm(mut self) {
        self.armed = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some((server, prompt_id)) = self.armed.take() else { return };
        // Without a runtime the whole program is ending, and nothing can be sent any more.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(async move {
                if let Err(error) = server.cancel(&prompt_id).await {
                    tracing::warn!(%error, prompt_id, "an abandoned run could not be cancelled");
                }
            }));
        }
    }
}
