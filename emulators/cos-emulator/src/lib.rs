#![doc = include_str!("../README.md")]

mod addressing;
mod body_faults;
mod bucket_listing;
mod conditions;
mod error;
mod faults;
mod header_case;
mod object;
mod observers;
mod query;
mod range;
mod request_id;
mod request_log;
mod server;
mod service;
mod signature;
mod store;
mod timestamps;
mod url_encoding;
mod xml;

pub use error::Error;
pub use faults::{Fault, FaultRule, Faults, Operation};
pub use object::ObjectOptions;
pub use observers::Observer;
pub use request_log::LoggedRequest;
pub use server::{Builder, CosEmulator};
pub use store::generated_bytes;
