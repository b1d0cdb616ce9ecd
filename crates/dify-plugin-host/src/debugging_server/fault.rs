/// What a [`DebuggingServer`](super::DebuggingServer) does wrong with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebuggingFault {
    /// Resets it at once, as what stands before a Dify that is starting may.
    Reset,
    /// Reads the handshake and resets the connection: what the server says of a wrong key was lost on the way.
    ResetAfterHandshake,
    /// Closes it when so many bytes are read.
    CutAfter {
        /// Of the registration, handshake included.
        bytes: usize,
    },
    /// Sends these bytes after the handshake, and reads on.
    Says {
        /// As they are, without a newline of its own.
        bytes: Vec<u8>,
        /// One at a time, with a pause between.
        dribbling: bool,
        /// Whether to hang up then.
        hang_up: bool,
    },
    /// Reads at most so many bytes at a time, with a pause of a millisecond between, until the plugin is registered.
    ReadsSlowly {
        /// At least 1.
        bytes: usize,
    },
    /// Reads nothing, and says nothing.
    ReadsNothing,
}
