/// How a connection, or the attempt to make one, came to its end. Texts are one line and without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// There was none.
    NotConnected {
        /// What the system says.
        reason: String,
    },
    /// The server answered the registration with this text.
    Refused {
        /// As it came, in one line.
        text: String,
    },
    /// The server hung up within the time that a registration takes and said nothing. What it says of a wrong key can be
    /// lost on the way, since it hangs up right after it.
    HungUp,
    /// It was there, and is no more.
    Lost {
        /// What is known.
        reason: String,
        /// Calls that were at work.
        calls: usize,
    },
}
