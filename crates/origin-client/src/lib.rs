#![doc = include_str!("../README.md")]

mod client;
mod connection;
mod error;
mod origin;
mod plain_text;
mod tls;
mod transport;

pub use client::{Connections, OriginClient};
pub use error::OriginError;
pub use origin::Origin;
pub use plain_text::is_obeyed;
pub use tls::{TlsError, TlsOptions};
pub use transport::{TransportError, TransportFailure};
