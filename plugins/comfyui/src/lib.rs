#![doc = include_str!("../README.md")]

mod call_time;
mod credentials;
mod execution;
mod failure;
mod input_images;
mod log_step;
mod outputs;
mod plugin;
mod progress;
mod provider;
mod seeds;
mod servers;
mod summary;
mod workflow;

pub use plugin::plugin;
