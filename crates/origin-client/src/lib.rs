#![doc = include_str!("../README.md")]

mod client;
mod connection;
mod error;
mod origin;
mod tls;
mod transport;

pub use client::{Connections, OriginClient};
pub use error::OriginError;
pub use origin::Origin;
pub use tls::{TlsError, TlsOptions};
pub use transport::{TransportError, TransportFailure};
