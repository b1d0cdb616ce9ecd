//! Plugins that are asked over HTTP, as the daemon's serverless runtime asks them
//! (dify-plugin-daemon, `internal/core/serverless_runtime/io.go`).

mod answer_lines;
mod client;
mod failure;
mod process;
mod raw_connection;
mod transactions;

pub use client::ServerlessPlugin;
pub use failure::ServerlessFailure;
pub use process::ServerlessProcess;
pub use raw_connection::RawConnection;
pub use transactions::{TransactionFault, Transactions};
