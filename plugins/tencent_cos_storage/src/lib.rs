#![doc = include_str!("../README.md")]

mod account;
mod accounts;
mod allow_list;
mod browse;
mod bucket;
mod content_encoding;
mod credentials;
mod download;
mod drive;
mod failure;
mod folder_page;
pub mod parameters;
mod plugin;
mod region_cache;

pub use plugin::plugin;
