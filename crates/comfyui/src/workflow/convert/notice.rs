use std::fmt;

use crate::NodeLabel;
use crate::error::one_line;

/// The most characters of a name that are shown.
const MAX_NAME_CHARS: usize = 100;

/// What the user should hear about a conversion that went through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The server has no such class: it will refuse the prompt.
    UnknownClass {
        /// The node.
        node: NodeLabel,
        /// The pack of custom nodes that has the class, as far as the file tells (`cnr_id` or `aux_id`).
        pack: Option<String>,
        /// The pack's version (`ver`).
        pack_version: Option<String>,
    },
    /// The node is an instance of a subgraph that the file does not define: the server will refuse the prompt.
    MissingSubgraph {
        /// The node.
        node: NodeLabel,
    },
    /// A link that leads nowhere is left out, as the editor does.
    DroppedLink {
        /// The node at its end.
        node: NodeLabel,
        /// The input at its end.
        input: String,
        /// Why.
        reason: DropReason,
    },
    /// The file has more values than the node has widgets: the rest is ignored, as the editor does. The class may have
    /// changed since the file was saved.
    ValuesIgnored {
        /// The node.
        node: NodeLabel,
        /// How many values.
        count: usize,
    },
    /// Two nodes have the same id: the second is ignored, as the editor does.
    DuplicateId {
        /// The ignored one.
        node: NodeLabel,
    },
}

/// Why a link is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// Its origin is muted, or bypassed with nothing of that type to pass on.
    NothingPassedOn,
    /// The class has no such input, or not with what is chosen.
    NoSuchInput,
    /// Reroutes or bypassed nodes that lead back to themselves.
    Loop,
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClass { node, pack, pack_version } => {
                write!(formatter, "{node}: the server has no such node class")?;
                let short = |text: &Option<String>| text.as_deref().map(|text| one_line(text, MAX_NAME_CHARS));
                match (short(pack), short(pack_version)) {
                    (Some(pack), Some(version)) => write!(formatter, "; it comes with {pack} {version}"),
                    (Some(pack), None) => write!(formatter, "; it comes with {pack}"),
                    _ => Ok(()),
                }
            }
            Self::MissingSubgraph { node } => write!(formatter, "{node}: the file does not define this subgraph"),
            Self::DroppedLink { node, input, reason } => {
                let reason = match reason {
                    DropReason::NothingPassedOn => "what it comes from is muted, or passes nothing of this type on",
                    DropReason::NoSuchInput => "the node has no such input",
                    DropReason::Loop => "it leads round in a circle",
                };
                write!(formatter, "{node}: the link to {} is left out: {reason}", one_line(input, MAX_NAME_CHARS))
            }
            Self::ValuesIgnored { node, count } => {
                let values = if *count == 1 { "value" } else { "values" };
                write!(formatter, "{node}: {count} more {values} in the file than the node has widgets")
            }
            Self::DuplicateId { node } => {
                write!(formatter, "{node}: another node has the same id; this one is ignored")
            }
        }
    }
}
