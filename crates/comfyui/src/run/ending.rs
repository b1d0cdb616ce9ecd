use crate::Record;

/// What a look at the server showed of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// It is in the history.
    Recorded(Box<Record>),
    /// It runs, or has run and will be in the history at once.
    Running,
    /// It waits in the queue.
    Pending {
        /// How many prompts run before it, where that was asked for.
        ahead: Option<usize>,
    },
    /// It is neither in the history nor in the queue.
    Nowhere,
}

/// How a run ended, by the server's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is in the history.
    Recorded(Box<Record>),
    /// The server does not know it any more: deleted while it waited, or lost in a restart.
    Deleted,
}
