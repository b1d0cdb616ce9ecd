//! What does not agree, and why.

/// A section of a recording that is not replayed.
pub(crate) struct Skip {
    pub(crate) recording: &'static str,
    /// The beginning of its title.
    pub(crate) section: &'static str,
    #[expect(dead_code, reason = "for the reader")]
    pub(crate) reason: &'static str,
}

/// A case that is replayed and must differ.
pub(crate) struct Difference {
    pub(crate) recording: &'static str,
    pub(crate) case: &'static str,
    pub(crate) reason: &'static str,
}

pub(crate) const SKIPPED: &[Skip] = &[
    Skip {
        recording: "05",
        section: "> 100 MiB",
        reason: "the recorder did not keep the body; tests/behaviour/limits.rs sends one",
    },
    Skip {
        recording: "08",
        section: "upstream TestAsyncError",
        reason: "a custom node that waits asynchronously; the emulator's nodes do not",
    },
    Skip {
        recording: "10",
        section: "D: interrupt while the LAST node",
        reason: "a picture of 8192 x 8192 pixels takes too long in a debug build",
    },
];

const CHECKPOINT: &str = "the recorded server had no checkpoint, the emulator has one";
const FRONTEND: &str = "a route that serves the web page alone, which the emulator does not have";
const OLDER: &str = "the recorded server had run other prompts before";

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference { recording: "01", case: "GET /models/checkpoints #1", reason: CHECKPOINT },
    Difference { recording: "01", case: "GET /node_replacements #1", reason: FRONTEND },
    Difference { recording: "01", case: "GET /internal/files/output #1", reason: FRONTEND },
    Difference { recording: "01", case: "GET /internal/folder_paths #1", reason: FRONTEND },
    Difference { recording: "01", case: "GET /view_metadata/checkpoints?filename=x.safetensors #1", reason: FRONTEND },
    Difference { recording: "01", case: "GET /extensions #1", reason: FRONTEND },
    Difference { recording: "02", case: "GET /internal/folder_paths #1", reason: FRONTEND },
    Difference { recording: "02", case: "GET /api/assets #1", reason: FRONTEND },
    Difference { recording: "21", case: "GET /api/assets #1", reason: FRONTEND },
    Difference { recording: "21", case: "GET /api/tags #1", reason: FRONTEND },
    Difference { recording: "21", case: "PATCH /internal/logs/subscribe #1", reason: FRONTEND },
    Difference { recording: "21", case: "WS #1", reason: "frames of the log, which the emulator does not send" },
    Difference { recording: "01", case: "GET / #1", reason: "the emulator has a page of its own" },
    Difference { recording: "06", case: "POST /prompt #17", reason: CHECKPOINT },
    Difference {
        recording: "12",
        case: "GET /api/jobs?sort_by=execution_duration&sort_order=asc&limit=1 #1",
        reason: OLDER,
    },
    Difference { recording: "12", case: "GET /api/jobs?status=failed,cancelled&limit=2 #1", reason: OLDER },
];
