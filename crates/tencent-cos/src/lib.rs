#![doc = include_str!("../README.md")]

mod answer;
mod buckets;
mod client;
mod config;
mod domain_switch;
mod endpoint;
mod error;
mod error_response;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod list;
mod object;
mod reading;
mod refusal;
mod request_limit;
mod retry;
mod route;
mod sign;
mod target;
mod xml;

pub use buckets::{Bucket, BucketInfo};
pub use client::{Cos, Deadlines};
pub use config::CosConfig;
pub use endpoint::{EndpointError, EndpointTemplate};
pub use error::{CosError, CosErrorKind};
pub use list::{ListRequest, ObjectPage, ObjectSummary, parse_object_page};
pub use object::{ObjectInfo, ObjectStream};
/// Connections that several clients share, see [`Cos::with_connections`], and whose certificates they accept.
pub use origin_client::{Connections, TlsOptions};
pub use refusal::Refusal;
pub use request_limit::RequestLimit;
pub use target::{Operation, Target};
pub use xml::MalformedAnswer;
