//! A connection to the daemon's debugging server: a plugin that runs wherever its author is, for a Dify that runs
//! elsewhere (dify-plugin-daemon, `internal/core/debugging_runtime`).

mod backoff;
mod connection;
mod ending;
mod incoming;
mod persistence;
mod report;
mod service;
mod socket;

pub(crate) use self::service::serve;
