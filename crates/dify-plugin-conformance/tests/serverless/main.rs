//! A plugin on the SDK, asked over HTTP by a host that fails where Dify would.

#![allow(clippy::unwrap_used)]

mod calls_back;
mod clean_up;
mod hostile_requests;
mod many_calls;
mod panics;
mod recorded_exchanges;
mod slow_reader;
mod started;
mod stop;
#[path = "../behaviour/vectors_plugin.rs"]
#[expect(dead_code, reason = "what is about pipes is not used here")]
mod vectors_plugin;
