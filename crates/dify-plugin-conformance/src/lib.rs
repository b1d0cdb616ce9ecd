#![doc = include_str!("../README.md")]

mod differences;
mod normal_form;
mod recorded;
mod replay;
mod replay_over_http;

pub use differences::Differences;
pub use normal_form::normal_form;
pub use recorded::{Line, RecordedCase, recorded_sessions};
pub use replay::{replay, replay_over_tcp};
pub use replay_over_http::replay_over_http;
