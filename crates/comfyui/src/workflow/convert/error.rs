use crate::NodeLabel;
use crate::error::one_line;

/// The most characters of a name that are shown.
const MAX_NAME_CHARS: usize = 100;

/// Why a workflow of the editor cannot be turned into a prompt that does the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// An input names a link that the file does not have.
    #[error(
        "{node}: its input {} is linked by link {}, which the file does not have",
        one_line(.input, MAX_NAME_CHARS), one_line(.link, MAX_NAME_CHARS)
    )]
    MissingLink {
        /// The node.
        node: Box<NodeLabel>,
        /// Its input.
        input: String,
        /// The link's id.
        link: String,
    },
    /// A link comes from a node that the file does not have.
    #[error(
        "{node}: its input {} is linked to node {}, which the file does not have",
        one_line(.input, MAX_NAME_CHARS), one_line(.origin, MAX_NAME_CHARS)
    )]
    MissingOrigin {
        /// The node.
        node: Box<NodeLabel>,
        /// Its input.
        input: String,
        /// The missing node's id.
        origin: String,
    },
    /// A subgraph passes an input straight to an output: the editor cannot export it either.
    #[error(
        "{node}: its output {} is linked straight to one of its own inputs, which ComfyUI cannot run",
        one_line(.output, MAX_NAME_CHARS)
    )]
    StraightThrough {
        /// The subgraph's node.
        node: NodeLabel,
        /// The output.
        output: String,
    },
    /// A subgraph that holds itself.
    #[error("{node}: the subgraph {:?} holds itself", one_line(.subgraph, MAX_NAME_CHARS))]
    RecursiveSubgraph {
        /// The instance that closes the circle.
        node: NodeLabel,
        /// The subgraph's name.
        subgraph: String,
    },
    /// Subgraphs nested too deeply.
    #[error("{node}: subgraphs are nested more than {limit} deep")]
    TooDeep {
        /// The instance where the limit is passed.
        node: NodeLabel,
        /// The limit.
        limit: usize,
    },
    /// More nodes than a server could be asked to run.
    #[error("the workflow has more than {limit} nodes once its subgraphs are unfolded")]
    TooManyNodes {
        /// The limit.
        limit: usize,
    },
    /// Links that are followed through too many nodes.
    #[error("{node}: following the links of the workflow takes more than {limit} steps")]
    TooManySteps {
        /// The node whose input was being followed.
        node: NodeLabel,
        /// The limit.
        limit: usize,
    },
    /// A value comes from the editor's own window.
    #[error(
        "{node}: its {} is taken from the camera of the browser, which only the editor can do",
        one_line(.input, MAX_NAME_CHARS)
    )]
    NeedsEditor {
        /// The node.
        node: NodeLabel,
        /// The input.
        input: String,
    },
}
