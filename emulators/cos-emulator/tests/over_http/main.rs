//! The emulator as a client sees it, over real connections.
//!
//! The client of these tests (`client.rs`, `signer.rs`) is written from the
//! documentation of COS; nothing of the crate's own is used but its API.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod bodies;
mod buckets;
mod client;
mod faults;
mod headers;
mod listing;
mod odd_names;
mod read_only;
mod signatures;
mod signer;
mod stopping;
