//! Which way a file takes into Dify.

use crate::error::Surface;

/// Unknown lengths: this much is kept in memory to see whether the file ends.
const LOOK_AHEAD: u64 = 1024 * 1024;

/// The ways into Dify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// `blob_chunk` lines.
    Chunks,
    /// One `blob` line.
    Blob,
    /// Dify's upload URL, then a link message.
    Upload,
    /// The length is not known: read up to so many bytes, then decide.
    Spool(u64),
}

/// What each way can carry on one surface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// The largest file that Dify merges from chunks.
    pub(crate) chunks: u64,
    /// The largest file that one line holds.
    pub(crate) blob: u64,
}

impl Carrier {
    /// A tool's file goes as chunks as long as Dify merges it. A datasource's file is never merged, so it must fit into
    /// one line. What neither can carry is uploaded.
    pub(crate) const fn choose(surface: Surface, length: Option<u64>, capacity: Capacity) -> Self {
        match (surface, length) {
            (Surface::Tool, Some(length)) if length <= capacity.chunks => Self::Chunks,
            (Surface::Datasource, Some(length)) if length <= capacity.blob => Self::Blob,
            (_, Some(_)) => Self::Upload,
            (Surface::Tool, None) if capacity.chunks < LOOK_AHEAD => Self::Spool(capacity.chunks),
            (Surface::Tool, None) => Self::Spool(LOOK_AHEAD),
            (Surface::Datasource, None) => Self::Spool(capacity.blob),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: Capacity = Capacity { chunks: 30_000_000, blob: 3_900_000 };

    #[test]
    fn a_tool_sends_chunks_as_long_as_dify_merges_them() {
        let choose = |length| Carrier::choose(Surface::Tool, Some(length), CAPACITY);
        assert_eq!(choose(0), Carrier::Chunks);
        assert_eq!(choose(30_000_000), Carrier::Chunks);
        assert_eq!(choose(30_000_001), Carrier::Upload);
    }

    #[test]
    fn a_datasource_sends_one_line_as_long_as_the_file_fits() {
        let choose = |length| Carrier::choose(Surface::Datasource, Some(length), CAPACITY);
        assert_eq!(choose(3_900_000), Carrier::Blob);
        assert_eq!(choose(3_900_001), Carrier::Upload);
    }

    #[test]
    fn an_unknown_length_is_looked_into_first() {
        assert_eq!(Carrier::choose(Surface::Tool, None, CAPACITY), Carrier::Spool(LOOK_AHEAD));
        assert_eq!(Carrier::choose(Surface::Datasource, None, CAPACITY), Carrier::Spool(3_900_000));
    }
}
