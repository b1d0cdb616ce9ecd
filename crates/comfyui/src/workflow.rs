mod graph;
mod images;
mod parse;
mod seeds;

pub use graph::{Node, Workflow};
pub use images::ImageNodesError;
pub use parse::WorkflowError;
pub use seeds::SeedSet;
