use std::time::Duration;

use crate::CosError;

/// How often one call is tried in all.
const MAX_ATTEMPTS: u32 = 3;

/// Longest pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// Longest pause a server can ask for with `Retry-After`.
const MAX_ASKED_PAUSE: Duration = Duration::from_secs(10);

/// The attempts at one call. Every call of this crate is a read, so each may be repeated.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Waits until the call may be repeated after `error`, or gives the error back when it may not.
    ///
    /// With `other_domain` the last attempt is made at COS's other domain, and failures of the way are worth repeating:
    /// when it is that attempt's turn, the error is the outcome (the official Python SDK, `send_request`).
    pub(crate) async fn pause_after(
        &mut self,
        error: CosError,
        other_domain: bool,
    ) -> Result<Option<CosError>, CosError> {
        self.failed += 1;
        let Some(pause) = pause(self.failed, error.is_temporary() || other_domain, error.retry_after(), rand::random())
        else {
            return Err(error);
        };
        tracing::debug!(attempt = self.failed, ?pause, %error, "COS call is repeated");
        tokio::time::sleep(pause).await;
        Ok(Some(error).filter(|_| other_domain && self.failed + 1 == MAX_ATTEMPTS))
    }
}

/// How long to wait after `failed` attempts, or `None` to give up. `jitter` is within 0 and 1.
fn pause(failed: u32, temporary: bool, asked: Option<Duration>, jitter: f64) -> Option<Duration> {
    if !temporary || failed >= MAX_ATTEMPTS {
        return None;
    }
    let longest = FIRST_PAUSE * 2_u32.saturating_pow(failed.saturating_sub(1));
    // Half of the pause is fixed, so that a server in trouble has a rest for certain.
    let own = longest.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
    Some(asked.map_or(own, |asked| asked.min(MAX_ASKED_PAUSE).max(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_failure_is_not_repeated() {
        assert_eq!(pause(1, false, None, 0.5), None);
        assert_eq!(pause(1, false, Some(Duration::from_secs(1)), 0.5), None);
    }

    #[test]
    fn a_temporary_failure_is_repeated_twice_with_growing_pauses() {
        assert_eq!(pause(1, true, None, 0.0), Some(Duration::from_millis(200)));
        assert_eq!(pause(1, true, None, 1.0), Some(Duration::from_millis(400)));
        assert_eq!(pause(2, true, None, 1.0), Some(Duration::from_millis(800)));
        assert_eq!(pause(3, true, None, 1.0), None);
    }

    #[test]
    fn the_servers_wish_counts_up_to_a_bound() {
        assert_eq!(pause(1, true, Some(Duration::from_secs(2)), 0.5), Some(Duration::from_secs(2)));
        assert_eq!(pause(1, true, Some(Duration::from_secs(3600)), 0.5), Some(MAX_ASKED_PAUSE));
        assert_eq!(pause(1, true, Some(Duration::ZERO), 1.0), Some(Duration::from_millis(400)));
    }
}
