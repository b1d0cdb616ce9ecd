#![doc = include_str!("../README.md")]

mod call_time;
mod credentials;
mod declarations;
mod describe_workflow;
mod execution;
mod failure;
mod get_result;
mod input_files;
mod input_values;
mod log_step;
mod model_download;
mod outputs;
pub mod parameters;
mod parties;
mod plugin;
mod preparation;
mod progress;
mod provider;
mod run_and_deliver;
mod run_parameters;
mod run_saved_workflow;
mod saved_workflow;
mod seeds;
mod selection;
mod servers;
mod submit_workflow;
mod summary;
mod workflow;
mod workflow_source;

pub use plugin::plugin;
