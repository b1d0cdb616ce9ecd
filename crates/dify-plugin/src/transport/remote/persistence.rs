use std::time::Duration;

use super::backoff::Backoff;
use super::ending::Ending;

/// How often in a row the server may hang up without a word before the key is blamed.
const HANG_UPS: u32 = 3;

/// The same once the key has been good. It may have become too old meanwhile, and more likely Dify is starting: what
/// stands before it, such as a container's proxy, takes connections and drops them until it is there.
const HANG_UPS_OF_A_KNOWN_SERVER: u32 = 20;

/// What the daemon says where another attempt can help
/// (`internal/core/debugging_runtime/{hooks,runtime_intialization_handlers}.go`).
const PASSING: [&str; 2] = ["server is busy", "failed to get connection info"];

/// What to do after a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Retry { after: Duration },
    GiveUp(GivingUp),
}

/// Why another attempt would end as the last one did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GivingUp {
    /// The server does not know the key.
    Key { text: String },
    /// The server takes the key, or did not come to it, and not what the plugin says of itself.
    Declaration { text: String },
    /// It hung up too often without a word.
    HungUp { times: u32 },
}

/// Whether and when to try again.
#[derive(Debug)]
pub(super) struct Persistence {
    backoff: Backoff,
    hang_ups: u32,
    has_served: bool,
}

impl Persistence {
    pub(super) const fn new() -> Self {
        Self { backoff: Backoff::new(), hang_ups: 0, has_served: false }
    }

    /// `random`: from 0 up to 1.
    pub(super) fn after(&mut self, ending: &Ending, random: f64) -> Next {
        match ending {
            Ending::Refused { text } if PASSING.iter().any(|passing| text.contains(passing)) => {}
            Ending::Refused { text } if text.contains("invalid key") => {
                return Next::GiveUp(GivingUp::Key { text: text.clone() });
            }
            Ending::Refused { text } => return Next::GiveUp(GivingUp::Declaration { text: text.clone() }),
            Ending::HungUp => {
                self.hang_ups += 1;
                let most = if self.has_served { HANG_UPS_OF_A_KNOWN_SERVER } else { HANG_UPS };
                if self.hang_ups >= most {
                    return Next::GiveUp(GivingUp::HungUp { times: self.hang_ups });
                }
            }
            Ending::NotConnected { .. } => self.hang_ups = 0,
            Ending::Lost { .. } => *self = Self { has_served: true, ..Self::new() },
        }
        Next::Retry { after: self.backoff.wait(random) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Ending {
        Ending::Refused { text: text.to_owned() }
    }

    fn lost() -> Ending {
        Ending::Lost { reason: "reset".to_owned(), calls: 0 }
    }

    fn seconds(next: &Next) -> Option<u64> {
        if let Next::Retry { after } = next { Some(after.as_secs()) } else { None }
    }

    #[test]
    fn a_wrong_key_and_a_refused_declaration_are_final() {
        let mut persistence = Persistence::new();
        let text = "handshake failed, invalid key".to_owned();
        assert_eq!(persistence.after(&refused(&text), 0.0), Next::GiveUp(GivingUp::Key { text }));
        let text = "register failed, invalid manifest detected".to_owned();
        assert_eq!(persistence.after(&refused(&text), 0.0), Next::GiveUp(GivingUp::Declaration { text }));
    }

    #[test]
    fn what_passes_is_tried_again() {
        let mut persistence = Persistence::new();
        let busy = refused("server is busy now, please try again later");
        let cache = refused("failed to get connection info: dial tcp: connection refused");
        let absent = Ending::NotConnected { reason: "refused".to_owned() };
        let waits = [&busy, &cache, &absent, &lost()].map(|ending| seconds(&persistence.after(ending, 0.0)));
        // A connection that was good begins the waits anew.
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(1)]);
    }

    #[test]
    fn a_server_that_is_gone_is_waited_for_without_an_end() {
        let mut persistence = Persistence::new();
        let absent = Ending::NotConnected { reason: "refused".to_owned() };
        assert!((0..1000).all(|_| seconds(&persistence.after(&absent, 0.0)).is_some()));
    }

    #[test]
    fn hanging_up_without_a_word_is_taken_three_times() {
        let mut persistence = Persistence::new();
        assert_eq!(seconds(&persistence.after(&Ending::HungUp, 0.0)), Some(1));
        assert_eq!(seconds(&persistence.after(&Ending::HungUp, 0.0)), Some(2));
        assert_eq!(persistence.after(&Ending::HungUp, 0.0), Next::GiveUp(GivingUp::HungUp { times: 3 }));
    }

    #[test]
    fn a_server_that_took_the_key_once_has_more_patience_and_not_without_end() {
        let mut persistence = Persistence::new();
        persistence.after(&lost(), 0.0);
        let given_up = (1..).find(|_| seconds(&persistence.after(&Ending::HungUp, 0.0)).is_none());
        assert_eq!(given_up, Some(20));
    }
}
