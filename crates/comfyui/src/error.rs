mod client_error;
mod excerpt;
mod failure;
mod library_error;
mod rejection;
mod run_error;

pub use client_error::ClientError;
pub(crate) use excerpt::{excerpt_of_body, one_line};
pub use failure::ExecutionFailure;
pub(crate) use failure::RawFailure;
pub use library_error::LibraryError;
pub use rejection::{InputError, NodeError, Rejection};
pub(crate) use rejection::{RawNodeErrors, RawRejection};
pub use run_error::RunError;
