#![doc = include_str!("../README.md")]

mod confinement;
#[cfg(target_os = "linux")]
mod linux;

pub use confinement::{Confinement, Layer, State};

use std::time::Instant;

/// Gives up, for good, every right that a process needs which reads files and opens connections and does nothing else.
///
/// To be called before the process has a second thread: some of it holds for the calling thread and those that it starts.
/// Nothing fails here. What the system does not offer is left out and said in the answer. On another system than Linux
/// that is everything.
#[must_use]
pub fn confine() -> Confinement {
    let began = Instant::now();
    #[cfg(target_os = "linux")]
    let layers = linux::give_up_rights();
    #[cfg(not(target_os = "linux"))]
    let layers = Vec::new();
    Confinement::new(layers, began.elapsed())
}
