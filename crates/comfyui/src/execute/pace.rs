use std::time::Duration;

use tokio::time::Instant;

use crate::Hint;

/// While frames come in, the record is looked at this often, just in case.
const LIVELY: Duration = Duration::from_secs(5);
/// A socket is lively for this long after a frame.
const LIVELY_FOR: Duration = Duration::from_secs(10);
/// While the socket is silent (a long node, or a server that forgot it).
const SILENT: Duration = Duration::from_secs(2);
/// Without a socket: from the first of these to the second, doubling.
const BLIND: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// After the prompt's end was announced: likewise, until its record appears.
const ENDING: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// After the submit: a run that is quicker needs no look.
const FIRST: Duration = Duration::from_millis(500);
/// At least this long after the last look, when the queue changed while the prompt waits: busy queues change often, and
/// a look can cost megabytes.
const QUEUE_CHANGED: Duration = Duration::from_secs(2);
/// After a look that found the prompt nowhere, to make sure.
const IN_DOUBT: Duration = Duration::from_millis(250);

/// When to look at the server's record next. Knows time only from what it is told.
#[derive(Debug)]
pub(super) struct Pace {
    next: Instant,
    last_look: Instant,
    heard: Option<Instant>,
    connected: bool,
    blind_looks: u32,
    ending: Option<u32>,
    over_since_look: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            next: now + FIRST,
            last_look: now,
            heard: None,
            connected: false,
            blind_looks: 0,
            ending: None,
            over_since_look: false,
        }
    }

    /// When the next look is due.
    pub(super) const fn next_look(&self) -> Instant {
        self.next
    }

    /// The prompt was accepted: from now on looks make sense.
    pub(super) fn submitted(&mut self, now: Instant) {
        self.last_look = now;
        self.next = now + self.interval(now).min(FIRST);
    }

    /// The socket opened.
    pub(super) fn connected(&mut self, now: Instant) {
        self.connected = true;
        self.blind_looks = 0;
        self.heard = Some(now);
    }

    /// The socket is gone: what it would have said must be looked up.
    pub(super) fn disconnected(&mut self, now: Instant) {
        if self.connected {
            self.next = self.next.min(now);
        }
        self.connected = false;
    }

    /// A frame came in, with this hint.
    pub(super) fn heard(&mut self, now: Instant, hint: Hint) {
        self.heard = Some(now);
        match hint {
            Hint::None => {}
            Hint::QueueChanged => self.next = self.next.min(now.max(self.last_look + QUEUE_CHANGED)),
            Hint::Ending => {
                self.ending.get_or_insert(0);
                self.next = self.next.min(now + ENDING.0);
            }
            Hint::Over => {
                self.ending.get_or_insert(0);
                self.over_since_look = true;
                self.next = now;
            }
        }
    }

    /// A look begins: what is heard from now on calls for another.
    pub(super) fn looking(&mut self, now: Instant) {
        self.last_look = now;
        self.over_since_look = false;
    }

    /// A look has shown that it is not over yet, or, `in_doubt`, that it is nowhere.
    pub(super) fn looked(&mut self, now: Instant, in_doubt: bool) {
        if !self.connected {
            self.blind_looks = self.blind_looks.saturating_add(1);
        }
        self.ending = self.ending.map(|looks| looks.saturating_add(1));
        self.next = match (self.over_since_look, in_doubt) {
            (true, _) => now,
            (false, true) => now + self.interval(now).min(IN_DOUBT),
            (false, false) => now + self.interval(now),
        };
    }

    fn interval(&self, now: Instant) -> Duration {
        if let Some(looks) = self.ending {
            return doubled(ENDING, looks);
        }
        if !self.connected {
            return doubled(BLIND, self.blind_looks);
        }
        let lively = self.heard.is_some_and(|heard| now.saturating_duration_since(heard) < LIVELY_FOR);
        if lively { LIVELY } else { SILENT }
    }
}

fn doubled((first, last): (Duration, Duration), times: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX)).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_lively_socket_is_trusted_and_a_silent_one_less() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        assert_eq!(pace.next_look(), t0 + FIRST);
        pace.connected(t0);
        pace.submitted(t0 + ms(10));
        assert_eq!(pace.next_look(), t0 + ms(10) + FIRST);
        pace.looked(t0 + ms(500), false);
        assert_eq!(pace.next_look(), t0 + ms(5500));
        pace.heard(t0 + ms(4000), Hint::None);
        pace.looked(t0 + ms(5500), false);
        assert_eq!(pace.next_look(), t0 + ms(10_500));
        pace.looked(t0 + ms(20_000), false);
        assert_eq!(pace.next_look(), t0 + ms(22_000), "silent for 16 s");
    }

    #[test]
    fn without_a_socket_looks_start_quick_and_slow_down() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.submitted(t0);
        let mut waits = Vec::new();
        let mut now = t0;
        for _ in 0..6 {
            waits.push(pace.next_look() - now);
            now = pace.next_look();
            pace.looked(now, false);
        }
        assert_eq!(waits, [ms(100), ms(200), ms(400), ms(800), ms(1000), ms(1000)]);
    }

    #[test]
    fn the_announced_end_is_looked_up_at_once_and_then_less_and_less_often() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.connected(t0);
        pace.submitted(t0);
        pace.heard(t0 + ms(100), Hint::Ending);
        assert_eq!(pace.next_look(), t0 + ms(120));
        pace.heard(t0 + ms(101), Hint::Over);
        assert_eq!(pace.next_look(), t0 + ms(101));
        pace.looking(t0 + ms(101));
        pace.looked(t0 + ms(101), false);
        assert_eq!(pace.next_look(), t0 + ms(141));
        pace.looked(t0 + ms(141), false);
        assert_eq!(pace.next_look(), t0 + ms(221));
    }

    #[test]
    fn an_end_that_is_announced_during_a_look_calls_for_another_at_once() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.connected(t0);
        pace.submitted(t0);
        pace.looking(t0 + ms(5000));
        pace.heard(t0 + ms(5002), Hint::Over);
        pace.looked(t0 + ms(5003), false);
        assert_eq!(pace.next_look(), t0 + ms(5003));
    }

    #[test]
    fn a_busy_queue_does_not_cause_a_storm_of_looks() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.connected(t0);
        pace.submitted(t0);
        pace.looking(t0 + ms(100));
        pace.looked(t0 + ms(110), false);
        for at in [101, 102, 150] {
            pace.heard(t0 + ms(at), Hint::QueueChanged);
            assert_eq!(pace.next_look(), t0 + ms(2100));
        }
        pace.heard(t0 + ms(3000), Hint::QueueChanged);
        assert_eq!(pace.next_look(), t0 + ms(2100), "long due");
    }

    #[test]
    fn a_prompt_that_is_nowhere_is_soon_looked_for_again() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.connected(t0);
        pace.looked(t0, true);
        assert_eq!(pace.next_look(), t0 + IN_DOUBT);
    }

    #[test]
    fn a_lost_socket_is_made_up_for_at_once() {
        let t0 = Instant::now();
        let mut pace = Pace::new(t0);
        pace.connected(t0);
        pace.submitted(t0);
        pace.disconnected(t0 + ms(400));
        assert_eq!(pace.next_look(), t0 + ms(400));
        pace.looked(t0 + ms(400), false);
        pace.disconnected(t0 + ms(410));
        assert_eq!(pace.next_look(), t0 + ms(600), "a socket that is still away changes nothing");
    }
}
