use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How long to wait before the next attempt to connect: twice as long each time, up to 30 s, and up to a quarter less so
/// that plugins that lost one server together do not come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// `random`: from 0 up to 1.
    pub(super) fn wait(&mut self, random: f64) -> Duration {
        let wait = self.next.mul_f64(1.0 - random.clamp(0.0, 1.0) / 4.0);
        self.next = (self.next * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let mut backoff = Backoff::new();
        let waits: Vec<u64> = (0..8).map(|_| backoff.wait(0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    }

    #[test]
    fn chance_takes_off_a_quarter_at_most() {
        assert_eq!(Backoff::new().wait(0.5), Duration::from_millis(875));
        assert_eq!(Backoff::new().wait(1.0), Duration::from_millis(750));
        assert_eq!(Backoff::new().wait(f64::INFINITY), Duration::from_millis(750));
    }
}
