#![doc = include_str!("../README.md")]

mod browse;
mod bucket;
mod clients;
mod credentials;
mod download;
mod drive;
mod failure;
mod folder_page;
mod plugin;

pub use plugin::plugin;
