use std::time::Duration;

use tokio::time::sleep;

use super::look::Lookout;
use crate::{ClientError, ComfyUi, Sighting, SubmitOptions, Submitted, Workflow};

/// How often a prompt is sent when its answers get lost.
const SENDS: u32 = 3;
/// How often it is looked for before it is sent again.
const LOOKS: u32 = 3;
/// Between two of these looks. A request can be slow to arrive, and a second prompt is worse than a second's wait.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What is known of a prompt that the server has taken.
#[derive(Debug)]
pub(super) enum Taken {
    /// The server answered.
    Answered(Submitted),
    /// The answer was lost, and the prompt was found on the server.
    Found,
}

/// Submits so that a lost answer neither loses the prompt nor runs it twice: before it is sent again, under the same id,
/// the server is asked whether it has it.
pub(super) async fn submit(
    server: &ComfyUi,
    lookout: &Lookout,
    workflow: &Workflow,
    prompt_id: &str,
    options: SubmitOptions,
) -> Result<Taken, ClientError> {
    let mut sends = 0;
    loop {
        sends += 1;
        let error = match server.submit(workflow, options.clone()).await {
            Ok(submitted) => return Ok(Taken::Answered(submitted)),
            Err(error) => error,
        };
        if !error.may_have_arrived() {
            return Err(error);
        }
        tracing::debug!(%error, "no answer to the submit: looking for the prompt");
        if is_there(server, lookout, prompt_id).await {
            return Ok(Taken::Found);
        }
        // A plain 500 is the server's own failure to read the request: the same again would fail again.
        if sends >= SENDS || !error.is_temporary() || matches!(error, ClientError::Status { status: 500, .. }) {
            return Err(error);
        }
    }
}

async fn is_there(server: &ComfyUi, lookout: &Lookout, prompt_id: &str) -> bool {
    for look in 0..LOOKS {
        if look > 0 {
            sleep(BETWEEN_LOOKS).await;
        }
        match lookout.look(server, prompt_id).await {
            Err(error) if !error.is_temporary() => return false,
            Ok(Sighting::Nowhere) | Err(_) => {}
            Ok(_) => return true,
        }
    }
    false
}
