#![doc = include_str!("../README.md")]

mod forms;
mod secret;
mod tap;
mod watch;

pub use secret::Secret;
pub use tap::Tap;
pub use watch::{SecretWatch, Sighting};
