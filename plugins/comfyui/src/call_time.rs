use std::future::Future;
use std::time::Duration;

use dify_plugin::Error;
use tokio::time::{Instant, timeout_at};

/// Dify gives a call up after 600 s and tells nobody (dify-plugin-daemon, `PLUGIN_MAX_EXECUTION_TIMEOUT`). Earlier than
/// that, the prompt is cancelled on the server and the user reads why.
const FOR_THE_RUN: Duration = Duration::from_secs(570);

/// What is left after the run is for its files.
const FOR_THE_CALL: Duration = Duration::from_secs(595);

/// The time that a call has, from its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallTime {
    begun: Instant,
}

impl CallTime {
    pub(crate) fn start() -> Self {
        Self { begun: Instant::now() }
    }

    /// How long the run may take now.
    pub(crate) fn left_for_the_run(self) -> Duration {
        FOR_THE_RUN.saturating_sub(self.begun.elapsed())
    }

    /// What comes before the run, which fails when it takes so long that no time is left for it.
    pub(crate) async fn before_the_run<T>(
        self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let outcome = timeout_at(self.begun + FOR_THE_RUN, work).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::failed(format!(
                "the pictures could not be brought to ComfyUI within the {} s that Dify leaves for a call",
                FOR_THE_RUN.as_secs()
            )))
        })
    }

    /// What comes after the run.
    pub(crate) async fn after_the_run<T>(
        self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let outcome = timeout_at(self.begun + FOR_THE_CALL, work).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::failed(format!(
                "the workflow ran, but not all of its files could be brought to Dify within the {} s that Dify leaves \
                 for a call; they are on the server",
                FOR_THE_CALL.as_secs()
            )))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_that_is_used_is_gone() {
        let time = CallTime::start();
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(time.left_for_the_run(), Duration::from_secs(470));
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert_eq!(time.left_for_the_run(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_when_dify_has_given_up() {
        let time = CallTime::start();
        let error = time.before_the_run(future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert!(error.message().contains("pictures") && error.message().contains("570 s"), "{error}");
        let error = time.after_the_run(future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert!(error.message().contains("on the server"), "{error}");
        assert_eq!(time.begun.elapsed().as_secs(), FOR_THE_CALL.as_secs());
    }
}
