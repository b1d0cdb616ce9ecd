#![doc = include_str!("../README.md")]

mod call_time;
mod credentials;
mod execution;
mod failure;
mod get_result;
mod input_files;
mod input_values;
mod log_step;
mod outputs;
mod plugin;
mod preparation;
mod progress;
mod provider;
mod seeds;
mod selection;
mod servers;
mod submit_workflow;
mod summary;
mod workflow;

pub use plugin::plugin;
