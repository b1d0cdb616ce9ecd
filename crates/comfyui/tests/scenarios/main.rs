//! The client against servers that behave and misbehave as scripted: one file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod abandoned_run;
mod deadline;
mod deleted_prompt;
mod failed_run;
mod garbage_frames;
mod late_history;
mod long_frames;
mod lost_answer;
mod odd_servers;
mod perfect_run;
mod prefix_and_keys;
mod scripted_server;
mod socket_cut;
mod socket_refused;
mod upload;
mod view;
