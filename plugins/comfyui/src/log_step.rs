use dify_plugin::{Error, LogStep};
use serde_json::{Value, json};
use tokio::time::Instant;

/// Finishes a step that began at `begun`, as its work ended.
///
/// # Errors
/// That of the work, or that Dify is gone.
pub(crate) async fn finish<T: Send>(step: LogStep, begun: Instant, outcome: Result<T, Error>) -> Result<T, Error> {
    finish_with(step, begun, outcome, json!({})).await
}

/// As [`finish`], with an object that the user can open.
pub(crate) async fn finish_with<T: Send>(
    step: LogStep,
    begun: Instant,
    outcome: Result<T, Error>,
    data: Value,
) -> Result<T, Error> {
    match outcome {
        Ok(result) => {
            step.succeed(data, json!({"elapsed_time": begun.elapsed().as_secs_f64()})).await?;
            Ok(result)
        }
        Err(error) => {
            step.fail(error.message(), data).await?;
            Err(error)
        }
    }
}
