mod convert;
mod detect;
mod file_inputs;
mod graph;
mod images;
mod parse;
mod place;
mod seeds;

pub use convert::{
    Conversion, ConvertError, ConvertOptions, DropReason, LocalTime, Notice, UiWorkflow, UiWorkflowError, convert,
};
pub use detect::WorkflowFile;
pub use file_inputs::{FileInput, FileInputsError};
pub use graph::{Node, Workflow};
pub use images::ImageNodesError;
pub use parse::WorkflowError;
pub use place::{InputPlace, PlaceError};
pub use seeds::{SeedError, SeedSet};
