use std::future::Future;
use std::time::Duration;

use dify_plugin::Error;
use tokio::time::{Instant, timeout_at};

/// The default of the parameter `timeout`. Dify gives a call up after 600 s and tells nobody (dify-plugin-daemon,
/// `PLUGIN_MAX_EXECUTION_TIMEOUT`); earlier than that, the prompt is cancelled on the server and the user reads why.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(570);

/// The same as the parameter has it, in seconds.
pub(crate) fn default_timeout() -> f64 {
    DEFAULT_TIMEOUT.as_secs_f64()
}

/// The longest that can be asked for, for a Dify with a raised limit.
const LONGEST_TIMEOUT: f64 = 3600.0;

/// What is left after the run is for its files.
const FOR_THE_FILES: Duration = Duration::from_secs(25);

/// The time that a call has, from its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallTime {
    begun: Instant,
    for_the_run: Duration,
}

impl CallTime {
    /// From now on, with so many seconds for the run.
    ///
    /// # Errors
    /// When they are too few or too many.
    pub(crate) fn start(timeout: f64) -> Result<Self, Error> {
        if !(1.0..=LONGEST_TIMEOUT).contains(&timeout) {
            return Err(Error::parameter(format!("timeout: enter a number of seconds from 1 to {LONGEST_TIMEOUT}")));
        }
        Ok(Self { begun: Instant::now(), for_the_run: Duration::from_secs_f64(timeout) })
    }

    /// From now on, with the time that Dify has by itself.
    pub(crate) fn default_from_now() -> Self {
        Self { begun: Instant::now(), for_the_run: DEFAULT_TIMEOUT }
    }

    /// How long the run may take now.
    pub(crate) fn left_for_the_run(self) -> Duration {
        self.for_the_run.saturating_sub(self.begun.elapsed())
    }

    /// What comes before the run, which fails when it takes so long that no time is left for it.
    pub(crate) async fn before_the_run<T>(
        self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let outcome = timeout_at(self.begun + self.for_the_run, work).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::failed(format!(
                "the files could not be brought to ComfyUI within the {} s that the call has (timeout)",
                self.for_the_run.as_secs_f64()
            )))
        })
    }

    /// What comes after the run. Nothing, when it takes longer than the call can.
    pub(crate) async fn after_the_run<T>(self, work: impl Future<Output = T> + Send) -> Option<T> {
        timeout_at(self.begun + self.for_the_run + FOR_THE_FILES, work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_that_is_used_is_gone() {
        let time = CallTime::start(570.0).unwrap();
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(time.left_for_the_run(), Duration::from_secs(470));
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert_eq!(time.left_for_the_run(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_when_the_time_is_over() {
        let time = CallTime::start(90.0).unwrap();
        let error = time.before_the_run(future::pending::<Result<(), Error>>()).await.unwrap_err();
        assert!(error.message().contains("files") && error.message().contains("90 s"), "{error}");
        assert_eq!(time.after_the_run(future::pending::<()>()).await, None);
        assert_eq!(time.begun.elapsed().as_secs(), 115);
    }

    #[test]
    fn a_timeout_has_bounds() {
        for timeout in [0.0, -1.0, 3601.0, f64::NAN, f64::INFINITY] {
            assert!(CallTime::start(timeout).unwrap_err().message().starts_with("timeout: enter"), "{timeout}");
        }
        CallTime::start(3600.0).unwrap();
    }
}
