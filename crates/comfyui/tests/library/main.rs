//! The workflows that a server keeps, and what it says of its nodes. What holds on every server is checked on the emulator,
//! or on the real server that `OXIDIFY_COMFYUI_URL` names:
//!
//! ```sh
//! OXIDIFY_COMFYUI_URL=http://127.0.0.1:8188 cargo test -p comfyui --test library
//! ```
//!
//! A server that was started with `--multi-user` needs the name of one of them in `OXIDIFY_COMFYUI_USER`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod any_server;
mod kept_definitions;
mod node_definitions;
mod odd_answers;
mod preflight;
mod saved_workflows;
mod templates;
mod users;
