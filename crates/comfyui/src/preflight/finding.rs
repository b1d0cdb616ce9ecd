use std::fmt;

use super::{MissingModel, PackOrigin};
use crate::error::one_line;
use crate::{NodeLabel, ValueError};

/// Something in a prompt that the server will, or may, refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The node.
    pub node: NodeLabel,
    /// The input, where it is one.
    pub input: Option<String>,
    /// What is wrong.
    pub problem: Problem,
    /// Whether the server is sure to refuse the node.
    pub certainty: Certainty,
}

/// How sure it is that the server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// By the server's rules for all nodes.
    Sure,
    /// Unless the node checks this by rules of its own (`VALIDATE_INPUTS`), which no server tells.
    Possible,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The server has no such class.
    UnknownClass {
        /// The pack of custom nodes that has it, as far as the workflow tells.
        pack: Option<PackOrigin>,
    },
    /// A model file is not among those that the server lists.
    MissingModel(MissingModel),
    /// The value does not fit what is declared.
    Value(ValueError),
    /// An input that has to be there is not.
    MissingInput,
    /// A list that is no link: those have a node's id and the number of its output.
    NoLink,
    /// A link from a node that is not there.
    MissingNode {
        /// Its id.
        id: String,
    },
    /// A link from an output that the node does not have.
    MissingOutput {
        /// Where the link comes from.
        from: NodeLabel,
        /// The number of the output.
        slot: String,
        /// How many it has.
        count: usize,
    },
    /// A link between types that do not go together.
    TypeMismatch {
        /// Where the link comes from.
        from: NodeLabel,
        /// What it gives.
        gives: String,
        /// What the input takes.
        takes: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.node)?;
        if let Some(input) = &self.input {
            write!(f, "{}: ", one_line(input, 100))?;
        }
        write!(f, "{}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownClass { pack: None } => f.write_str(
                "the server has no such node class; if it belongs to a pack of custom nodes, install that on the server",
            ),
            Self::UnknownClass { pack: Some(PackOrigin { id, version }) } => {
                write!(f, "the server has no such node class; it comes with {}", one_line(id, 100))?;
                match version {
                    Some(version) => write!(f, " {}", one_line(version, 60)),
                    None => Ok(()),
                }
            }
            Self::MissingModel(model) => model.fmt(f),
            Self::Value(error) => error.fmt(f),
            Self::MissingInput => f.write_str("it is required, and has neither a value nor a link"),
            Self::NoLink => f.write_str(
                "a list stands for a link and has to be [node id, output number]; write a list of values as \
                 {\"__value__\": […]}",
            ),
            Self::MissingNode { id } => write!(f, "it is linked to node {}, which is not there", one_line(id, 100)),
            Self::MissingOutput { from, slot, count } => {
                write!(f, "it is linked to output {} of {from}, which has {count}", one_line(slot, 20))
            }
            Self::TypeMismatch { from, gives, takes } => {
                write!(f, "takes {}, and {from} gives {}", one_line(takes, 100), one_line(gives, 100))
            }
        }
    }
}
