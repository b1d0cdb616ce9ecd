//! What the emulator does, seen from outside: over HTTP and WebSocket, with no client of this
//! project.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

mod access;
mod asset_downloader;
mod caching;
mod driver;
mod faults;
mod images;
mod interrupting;
mod lifecycle;
mod limits;
mod no_pictures;
mod object_info;
mod previews;
mod queueing;
mod rejections;
mod templates;
mod text_to_image;
mod uploads;
mod user_data;
mod websockets;
