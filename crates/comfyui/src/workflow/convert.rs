//! From the editor's format to the API's, as ComfyUI's own editor exports it (`graphToPrompt`).

mod class_extras;
mod dynamic_prompt;
mod emit;
mod error;
mod filename_template;
mod graph;
mod group_nodes;
mod id;
mod layout;
#[cfg(test)]
mod layout_recorded;
mod load;
mod node_names;
mod notice;
mod options;
mod order;
mod primitives;
mod promotion;
mod proxy_widgets;
mod raw;
mod read_ui;
mod resolve;
mod run;
mod saved_values;
mod ui;
mod unique_ids;
mod widget;

pub use error::ConvertError;
pub use filename_template::LocalTime;
pub use notice::{DropReason, Notice};
pub use options::ConvertOptions;
pub use run::{Conversion, convert};
pub use ui::{UiWorkflow, UiWorkflowError};
