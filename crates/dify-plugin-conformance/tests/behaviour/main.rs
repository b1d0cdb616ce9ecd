//! A plugin on the SDK, over real pipes, under a host that fails where Dify would.

#![allow(clippy::unwrap_used)]

mod calls_in_flight;
mod carriers;
mod life_cycle;
mod log_steps;
#[cfg(target_os = "linux")]
mod rights;
mod vectors_plugin;
