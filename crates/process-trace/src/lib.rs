#![doc = include_str!("../README.md")]

mod asked;
mod lines;
mod trace;

pub use asked::{Asked, Peer};
pub use trace::Trace;
