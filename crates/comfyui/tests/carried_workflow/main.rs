//! The workflow that files of ComfyUI carry: files that a ComfyUI 0.33.0 made (`tests/data/carried`), whole and broken,
//! and files of other forms that are put together here.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod assembled;
mod broken_files;
mod files;
mod files_of_comfyui;
mod json_files;
mod long_files;
