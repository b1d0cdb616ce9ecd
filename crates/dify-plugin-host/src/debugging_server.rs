//! The daemon's debugging server: plugins connect to it, say what they are, and are called as those are that the daemon
//! starts itself (dify-plugin-daemon, `internal/core/debugging_runtime`).

mod fault;
mod registering;
mod rules;
mod server;

pub use fault::DebuggingFault;
pub use registering::Registration;
pub use server::{DebuggedPlugin, DebuggingServer, RegistrationRefused};
